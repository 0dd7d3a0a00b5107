//! Client credentials, as a request presents them (RFC 6749 §2.3, RFC 7523 §2.2).

use actix_web::HttpRequest;
use actix_web::http::header;

use super::fields::Fields;
use crate::api::error::{ApiError, Fault};
use crate::oauth::{CLIENT_ASSERTION_TYPE, ClientError, Credentials, PresentedCredentials};
use crate::secret::SecretString;

/// The longest secret or assertion that is looked at.
const SECRET_BYTES_MAX: usize = 8192;
const TEXT_BYTES_MAX: usize = 255;

/// The credentials in the header or the form. Outside the token endpoint a client assertion may
/// also stand in the header, as `Bearer`.
pub(super) fn of(request: &HttpRequest, fields: &mut Fields) -> Result<Credentials, ApiError> {
    let mut presented = in_form(fields).map_err(|fault| super::fault(request, &fault))?;
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

fn in_form(fields: &mut Fields) -> Result<PresentedCredentials, Fault> {
    Ok(PresentedCredentials {
        authorization: None,
        client_id: fields.text("client_id", TEXT_BYTES_MAX)?,
        client_secret: fields
            .text("client_secret", SECRET_BYTES_MAX)?
            .map(SecretString::new),
        client_assertion_type: fields.text("client_assertion_type", TEXT_BYTES_MAX)?,
        client_assertion: fields
            .text("client_assertion", SECRET_BYTES_MAX)?
            .map(SecretString::new),
    })
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
