//! Further keys of a user on a device: PIN, fingerprint, custom authenticators.

use actix_web::{HttpResponse, web};
use utoipa::ToSchema;

use super::key;
use crate::api::Api;
use crate::api::error::{ApiError, Fault, ProblemDocument};
use crate::api::extract::{By, Fields, FromFields, InPath, Json, PathParameter, UserToken};
use crate::devices::AuthenticatorName;
use crate::jose::PublicJwk;
use crate::secret::SecretString;

impl PathParameter for AuthenticatorName {
    const NAME: &'static str = "authenticator";
}

/// The longest proof that is looked at.
const PROOF_BYTES_MAX: usize = 8192;

/// The authenticator's public key.
#[derive(ToSchema)]
pub(crate) struct AuthenticatorBody {
    /// P-256.
    #[schema(value_type = Object)]
    jwk: PublicJwk,
    /// To change the key and keep the refresh tokens: compact JWS (ES256, `typ`
    /// `authenticator-change+jwt`) by the present key over `{"jwk_thumbprint","iat"}`, the RFC 7638
    /// thumbprint of the new one and seconds.
    #[schema(value_type = Option<String>)]
    proof: Option<SecretString>,
}

impl FromFields for AuthenticatorBody {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let jwk = key::parse("jwk", fields.value("jwk"))?;
        Ok(Self {
            jwk,
            proof: fields
                .text("proof", PROOF_BYTES_MAX)?
                .map(SecretString::new),
        })
    }
}

/// Sets the key of an authenticator: `pin`, `fingerprint`, `custom:ID`. Another key than before,
/// without `proof`, ends the refresh tokens that belong to the authenticator; a wrong `proof` is a
/// failed attempt of it (`invalid_proof`, with `attempts_left`; then `user_disconnected` or, of
/// others than the PIN, `authenticator_gone`).
#[utoipa::path(
    put,
    path = "/device/v1/authenticators/{authenticator}",
    tag = "Phones",
    params(("authenticator" = String, Path)),
    request_body = AuthenticatorBody,
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("user_token" = [])),
)]
pub(crate) async fn set_authenticator(
    api: web::Data<Api>,
    By(token, (name, body)): By<UserToken, (InPath<AuthenticatorName>, Json<AuthenticatorBody>)>,
) -> Result<HttpResponse, ApiError> {
    let (devices, AuthenticatorBody { jwk, proof }) = (&api.app().devices, body.0);
    match proof {
        None => {
            devices
                .set_authenticator(&token.device_id, &token.user_id, &name.0, jwk)
                .await?
        }
        Some(proof) => {
            devices
                .change_authenticator(
                    &token.device_id,
                    &token.user_id,
                    &name.0,
                    jwk,
                    proof.expose(),
                )
                .await?;
        }
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Removes an authenticator. Where there is none, that is so already.
#[utoipa::path(
    delete,
    path = "/device/v1/authenticators/{authenticator}",
    tag = "Phones",
    params(("authenticator" = String, Path)),
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("user_token" = [])),
)]
pub(crate) async fn remove_authenticator(
    api: web::Data<Api>,
    By(token, name): By<UserToken, InPath<AuthenticatorName>>,
) -> Result<HttpResponse, ApiError> {
    api.app()
        .devices
        .remove_authenticator(&token.device_id, &token.user_id, &name.0)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
