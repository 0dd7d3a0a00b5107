//! The authenticators of a user on a device: the PIN, the fingerprint and custom ones, each with a
//! key.

use utoipa::ToSchema;

use super::key;
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Fields, FromFields, Json, Path, PathParameter, UserToken};
use crate::api::reply::NoContent;
use crate::devices::AuthenticatorName;
use crate::jose::PublicJwk;
use crate::secret::SecretString;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Enrols the key of an authenticator, or changes it.
    ///
    /// A change with a `proof` keeps the refresh tokens that are bound to the authenticator; a change
    /// without one revokes them. A wrong `proof` counts as a failed attempt.
    PUT "/device/v1/authenticators/{authenticator}" => set_authenticator,
        400 "The body is malformed, or the proof is (`invalid_proof`).",
        401 "The access token is not valid; or the proof was not made with the enrolled key \
             (`invalid_proof`, with `attempts_left` if they are limited); or wrong proofs used up the \
             attempts, so that the user was disconnected from the device (`user_disconnected`) or the \
             authenticator removed (`authenticator_gone`).",
        403 "The access token belongs to the device alone (`insufficient_scope`), or the application \
             does not allow the authenticator (`authenticator_not_allowed`).",
        409 "The user has not enrolled on the device (`keys_not_enrolled`).";

    /// Removes an authenticator and revokes the refresh tokens that are bound to it.
    ///
    /// Removing one that is not enrolled succeeds.
    DELETE "/device/v1/authenticators/{authenticator}" => remove_authenticator;
};

const PROOF_BYTES_MAX: usize = 8192;

impl PathParameter for AuthenticatorName {
    const NAME: &'static str = "authenticator";
    const DESCRIPTION: &'static str =
        "`pin`, `fingerprint`, or `custom:ID` for the custom authenticator with this id.";
}

/// The key of an authenticator.
#[derive(ToSchema)]
struct AuthenticatorBody {
    /// The public key: a P-256 JWK.
    #[schema(value_type = Object)]
    jwk: PublicJwk,
    /// For a change that keeps the refresh tokens: a compact JWS (`ES256`, `typ`
    /// `authenticator-change+jwt`) by the enrolled key over `{"jwk_thumbprint", "iat"}`: the RFC 7638
    /// thumbprint of the new key, and the time in seconds since the epoch.
    #[schema(value_type = Option<String>)]
    proof: Option<SecretString>,
}

impl FromFields for AuthenticatorBody {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            jwk: key::parse("jwk", fields.value("jwk"))?,
            proof: fields.secret("proof", PROOF_BYTES_MAX)?,
        })
    }
}

async fn set_authenticator(
    api: SharedApi,
    UserToken { device_id, user_id }: UserToken,
    Path(name): Path<AuthenticatorName>,
    Json(AuthenticatorBody { jwk, proof }): Json<AuthenticatorBody>,
) -> Result<NoContent, ApiError> {
    let devices = &api.app.devices;

    match proof {
        None => {
            devices
                .set_authenticator(&device_id, &user_id, &name, jwk)
                .await?;
        }
        Some(proof) => {
            devices
                .change_authenticator(&device_id, &user_id, &name, jwk, proof.expose())
                .await?;
        }
    }

    Ok(NoContent)
}

async fn remove_authenticator(
    api: SharedApi,
    UserToken { device_id, user_id }: UserToken,
    Path(name): Path<AuthenticatorName>,
) -> Result<NoContent, ApiError> {
    let devices = &api.app.devices;
    devices
        .remove_authenticator(&device_id, &user_id, &name)
        .await?;

    Ok(NoContent)
}
