//! The objects as documents: the shape they have in the file given to `countersign apply` and in
//! the database.
//!
//! The two differ only in how a secret is written: in the file as a reference (`env:NAME`,
//! `file:PATH`), in the database sealed under the master key. [`Reveal`] and [`Conceal`] are that
//! difference.

mod api_client;
mod callback_endpoint;
mod client_credential;
mod push_configuration;
mod sms;
mod web_client;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use api_client::ApiClientDocument;
pub(super) use callback_endpoint::CallbackEndpointDocument;
pub(super) use push_configuration::PushConfigurationDocument;
pub(super) use sms::SmsDocument;
pub(super) use web_client::WebClientDocument;

use super::objects::{Kind, Object};
use super::problem::Problem;
use crate::secret::SecretString;

/// Reads the fields that are not written as they are.
pub(super) trait Reveal {
    /// A secret. `field` says which, for the error.
    fn secret(&self, field: &'static str, written: &str) -> Result<SecretString, Problem>;

    /// A long text that is no secret, such as a certificate.
    fn text(&self, field: &'static str, written: &str) -> Result<String, Problem>;

    /// The same for a secret that may be left out.
    fn optional_secret(
        &self,
        field: &'static str,
        written: Option<&str>,
    ) -> Result<Option<SecretString>, Problem> {
        written
            .map(|written| self.secret(field, written))
            .transpose()
    }
}

/// Writes a secret.
pub(super) trait Conceal {
    /// `field` says which.
    fn secret(&self, field: &'static str, secret: &SecretString) -> String;
}

/// Names of the fields that hold secrets, in any document.
pub(super) const SECRET_FIELDS: &[&str] = &[
    "auth_key",
    "auth_token",
    "client_secret",
    "password",
    "service_account",
    "signing_secret",
];

/// The document of an object.
pub(super) fn write(object: &Object, conceal: &dyn Conceal) -> Value {
    match object {
        Object::ApiClient(client) => to_value(&ApiClientDocument::write(client)),
        Object::Application(application) => to_value(application.as_ref()),
        Object::AuthenticationType(authentication_type) => to_value(authentication_type.as_ref()),
        Object::CallbackEndpoint(endpoint) => {
            to_value(&CallbackEndpointDocument::write(endpoint, conceal))
        }
        Object::MobileAuthentication(general) => to_value(general.as_ref()),
        Object::PushConfiguration(configuration) => {
            to_value(&PushConfigurationDocument::write(configuration, conceal))
        }
        Object::ResourceServer(server) => to_value(server.as_ref()),
        Object::Scope(scope) => to_value(scope.as_ref()),
        Object::Sms(gateway) => to_value(&SmsDocument::write(gateway, conceal)),
        Object::Tokens(general) => to_value(general.as_ref()),
        Object::WebClient(client) => to_value(&WebClientDocument::write(client)),
    }
}

fn to_value<T: Serialize>(document: &T) -> Value {
    serde_json::to_value(document).unwrap_or_default()
}

/// The object that a document of this kind says.
pub(super) fn read(kind: Kind, document: Value, reveal: &dyn Reveal) -> Result<Object, Problem> {
    Ok(match kind {
        Kind::ApiClient => Object::ApiClient(
            from_value::<ApiClientDocument>(document)?
                .read(reveal)?
                .into(),
        ),
        Kind::Application => Object::Application(from_value(document)?),
        Kind::AuthenticationType => Object::AuthenticationType(from_value(document)?),
        Kind::CallbackEndpoint => Object::CallbackEndpoint(
            from_value::<CallbackEndpointDocument>(document)?
                .read(reveal)?
                .into(),
        ),
        Kind::MobileAuthentication => Object::MobileAuthentication(from_value(document)?),
        Kind::PushConfiguration => Object::PushConfiguration(
            from_value::<PushConfigurationDocument>(document)?
                .read(reveal)?
                .into(),
        ),
        Kind::ResourceServer => Object::ResourceServer(from_value(document)?),
        Kind::Scope => Object::Scope(from_value(document)?),
        Kind::Sms => Object::Sms(from_value::<SmsDocument>(document)?.read(reveal)?.into()),
        Kind::Tokens => Object::Tokens(from_value(document)?),
        Kind::WebClient => Object::WebClient(
            from_value::<WebClientDocument>(document)?
                .read(reveal)?
                .into(),
        ),
    })
}

fn from_value<T: DeserializeOwned>(document: Value) -> Result<T, Problem> {
    serde_json::from_value(document).map_err(|error| Problem::new("", error.to_string()))
}

/// A field that has to be there.
fn required<T>(field: &'static str, value: Option<T>, why: &str) -> Result<T, Problem> {
    value.ok_or_else(|| Problem::new(field, format!("is required {why}")))
}

/// A field that must not be there.
fn absent<T>(field: &'static str, value: Option<&T>, why: &str) -> Result<(), Problem> {
    value.map_or(Ok(()), |_| {
        Err(Problem::new(field, format!("has no meaning {why}")))
    })
}

/// Basic credentials: both parts or none.
fn credentials(
    username: Option<String>,
    password: Option<&str>,
    reveal: &dyn Reveal,
) -> Result<Option<(String, SecretString)>, Problem> {
    match (username, password) {
        (None, None) => Ok(None),
        (Some(username), Some(password)) => {
            Ok(Some((username, reveal.secret("password", password)?)))
        }
        (Some(_), None) => Err(Problem::new("password", "is required beside `username`")),
        (None, Some(_)) => Err(Problem::new("username", "is required beside `password`")),
    }
}
