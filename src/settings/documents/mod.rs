//! The objects as documents: the shape they have in the file given to `countersign apply` and in
//! the database.
//!
//! The two only differ in how they hold secrets: the file has a reference (`env:NAME`,
//! `file:PATH`), the database has the secret sealed under the master key. [`SecretReader`] and
//! [`SecretWriter`] hide that difference.

mod api_client;
mod callback_endpoint;
mod client_credential;
mod fields;
mod initial_access_token;
mod push_configuration;
mod secrets;
mod sms;
mod web_client;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use api_client::ApiClientDocument;
pub(super) use callback_endpoint::CallbackEndpointDocument;
pub(super) use initial_access_token::InitialAccessTokenDocument;
pub(super) use push_configuration::PushConfigurationDocument;
pub(super) use secrets::{SECRET_FIELDS, SecretReader, SecretWriter};
pub(super) use sms::SmsDocument;
pub(super) use web_client::WebClientDocument;

use super::objects::{Kind, Object};
use super::problem::Problem;

/// Turns an object into its document.
pub(super) fn write(object: &Object, secrets: &dyn SecretWriter) -> Value {
    match object {
        Object::ApiClient(client) => to_value(&ApiClientDocument::write(client)),
        // Objects without secrets are their own documents.
        Object::Application(application) => to_value(application.as_ref()),
        Object::AuthenticationType(authentication_type) => to_value(authentication_type.as_ref()),
        Object::CallbackEndpoint(endpoint) => {
            to_value(&CallbackEndpointDocument::write(endpoint, secrets))
        }
        Object::InitialAccessToken(token) => to_value(&InitialAccessTokenDocument::write(token)),
        Object::MobileAuthentication(general) => to_value(general.as_ref()),
        Object::PushConfiguration(configuration) => {
            to_value(&PushConfigurationDocument::write(configuration, secrets))
        }
        Object::ResourceServer(server) => to_value(server.as_ref()),
        Object::Scope(scope) => to_value(scope.as_ref()),
        Object::Sms(gateway) => to_value(&SmsDocument::write(gateway, secrets)),
        Object::Tokens(general) => to_value(general.as_ref()),
        Object::WebClient(client) => to_value(&WebClientDocument::write(client)),
    }
}

fn to_value<T: Serialize>(document: &T) -> Value {
    serde_json::to_value(document).unwrap_or_default()
}

/// Turns a document of this kind into its object.
pub(super) fn read(
    kind: Kind,
    document: Value,
    secrets: &dyn SecretReader,
) -> Result<Object, Problem> {
    Ok(match kind {
        Kind::ApiClient => Object::ApiClient(
            from_value::<ApiClientDocument>(document)?
                .read(secrets)?
                .into(),
        ),
        Kind::Application => Object::Application(from_value(document)?),
        Kind::AuthenticationType => Object::AuthenticationType(from_value(document)?),
        Kind::CallbackEndpoint => Object::CallbackEndpoint(
            from_value::<CallbackEndpointDocument>(document)?
                .read(secrets)?
                .into(),
        ),
        Kind::InitialAccessToken => Object::InitialAccessToken(
            from_value::<InitialAccessTokenDocument>(document)?
                .read(secrets)?
                .into(),
        ),
        Kind::MobileAuthentication => Object::MobileAuthentication(from_value(document)?),
        Kind::PushConfiguration => Object::PushConfiguration(
            from_value::<PushConfigurationDocument>(document)?
                .read(secrets)?
                .into(),
        ),
        Kind::ResourceServer => Object::ResourceServer(from_value(document)?),
        Kind::Scope => Object::Scope(from_value(document)?),
        Kind::Sms => Object::Sms(from_value::<SmsDocument>(document)?.read(secrets)?.into()),
        Kind::Tokens => Object::Tokens(from_value(document)?),
        Kind::WebClient => Object::WebClient(
            from_value::<WebClientDocument>(document)?
                .read(secrets)?
                .into(),
        ),
    })
}

fn from_value<T: DeserializeOwned>(document: Value) -> Result<T, Problem> {
    serde_json::from_value(document).map_err(|error| Problem::new("", error.to_string()))
}
