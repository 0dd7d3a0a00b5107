//! Credentials of OAuth clients (RFC 6749 §2.3, RFC 7523 §2.2), which the features verify.

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest};

use super::fields::{Fields, FromFields};
use super::form;
use super::request::{Extract, Request};
use crate::api::cors::AskingClient;
use crate::api::error::ApiError;
use crate::api::openapi::Operation;
use crate::oauth::{CLIENT_ASSERTION_TYPE, ClientError, Credentials, PresentedCredentials};
use crate::secret::SecretString;

/// The longest secret or assertion that is looked at.
const SECRET_BYTES_MAX: usize = 8192;
const TEXT_BYTES_MAX: usize = 255;

/// A form with the credentials of a client, in the header or in the form.
pub(crate) struct CredentialsForm<T> {
    pub(crate) credentials: Credentials,
    pub(crate) form: T,
}

impl<T: FromFields> Extract for CredentialsForm<T> {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let (_, mut fields) = form::read(request).await?;
        let credentials = of(request.head, &mut fields)?;
        let asking = AskingClient(credentials.client_id().to_owned());
        request.head.extensions_mut().insert(asking);
        let form = form::take(&mut fields)?;

        Ok(Self { credentials, form })
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.note(
            "The client authenticates in one way: with HTTP Basic; with `client_id` and \
             `client_secret` in the form; or with `client_assertion` and `client_assertion_type` \
             in the form (RFC 7523). A public client sends its `client_id` only.",
        );

        operation.form::<T::Schema>();
    }
}

/// A query string with the credentials of a client in the header. A URL is no place for a secret.
pub(crate) struct CredentialsQuery<T> {
    pub(crate) credentials: Credentials,
    pub(crate) query: T,
}

impl<T: FromFields> Extract for CredentialsQuery<T> {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let mut fields = form::parse(request.head.query_string().as_bytes())?;
        let query = T::from_fields(&mut fields)?;
        let credentials = of(request.head, &mut Fields::default())?;

        Ok(Self { credentials, query })
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.note(
            "The client authenticates with HTTP Basic, or with a client assertion (RFC 7523) as a \
             `Bearer` token.",
        );
        operation.query::<T::Schema>();
    }
}

/// Takes the credentials from the header or from the parameters. In the header, an assertion may
/// stand as a `Bearer` token.
pub(super) fn of(request: &HttpRequest, fields: &mut Fields) -> Result<Credentials, ApiError> {
    let mut presented = PresentedCredentials {
        authorization: None,
        client_id: fields.text("client_id", TEXT_BYTES_MAX)?,
        client_secret: fields.secret("client_secret", SECRET_BYTES_MAX)?,
        client_assertion_type: fields.text("client_assertion_type", TEXT_BYTES_MAX)?,
        client_assertion: fields.secret("client_assertion", SECRET_BYTES_MAX)?,
    };

    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    match (headers.next(), headers.next()) {
        (None, _) => {}
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| ClientError::Invalid)?;
            match text.split_once(' ') {
                Some((scheme, assertion)) if scheme.eq_ignore_ascii_case("bearer") => {
                    add_assertion(&mut presented, assertion)?;
                }
                _ => presented.authorization = Some(SecretString::new(text.to_owned())),
            }
        }
        (Some(_), Some(_)) => return Err(ClientError::Malformed.into()),
    }

    Ok(Credentials::from_request(presented)?)
}

fn add_assertion(presented: &mut PresentedCredentials, assertion: &str) -> Result<(), ClientError> {
    let taken = presented.client_assertion.is_some() || presented.client_assertion_type.is_some();
    if taken || assertion.len() > SECRET_BYTES_MAX {
        return Err(ClientError::Malformed);
    }

    presented.client_assertion_type = Some(CLIENT_ASSERTION_TYPE.to_owned());
    presented.client_assertion = Some(SecretString::new(assertion.trim().to_owned()));

    Ok(())
}
