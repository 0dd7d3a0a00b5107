//! The revocation endpoint (RFC 7009).

use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{CredentialsForm, Fields, FromFields};
use crate::api::reply::Empty;
use crate::oauth::RevocationRequest;
use crate::secret::SecretString;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Revokes a token of the client (RFC 7009).
    ///
    /// With a refresh token, the access tokens that came from it are revoked as well. The response is
    /// the same if the token is unknown, has ended, or is another client's.
    POST "/oauth/revoke" => revoke,
        401 "The client is unknown, or its credentials are wrong, expired or used before.";
};

/// The longest token that is looked up.
const TOKEN_BYTES_MAX: usize = 8192;

/// A token to revoke.
#[derive(ToSchema)]
struct RevocationForm {
    /// An access token or a refresh token.
    #[schema(value_type = String)]
    token: SecretString,
    /// `access_token` or `refresh_token`. Ignored: the token itself tells.
    #[expect(dead_code, reason = "checked, and of no further use")]
    token_type_hint: Option<String>,
}

impl FromFields for RevocationForm {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            token: fields.required_secret("token", TOKEN_BYTES_MAX)?,
            token_type_hint: fields.text("token_type_hint", 255)?,
        })
    }
}

async fn revoke(
    api: SharedApi,
    CredentialsForm { credentials, form }: CredentialsForm<RevocationForm>,
) -> Result<Empty, ApiError> {
    let request = RevocationRequest {
        credentials,
        token: form.token,
    };
    api.app.token_server.revocation.revoke(&request).await?;

    Ok(Empty)
}
