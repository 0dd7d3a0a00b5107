//! The revocation endpoint (RFC 7009).

use actix_web::{HttpResponse, web};
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, Fault, OAuthBody};
use crate::api::extract::{Fields, FromFields, PresentedForm};
use crate::oauth::RevocationRequest;
use crate::secret::SecretString;

/// The longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 8192;

/// The parameters of the request, beside the client's credentials.
#[derive(ToSchema)]
pub(crate) struct RevokeForm {
    /// An access token or a refresh token.
    #[schema(value_type = String)]
    token: SecretString,
    /// `access_token`, `refresh_token`; not needed, and not relied upon.
    #[expect(dead_code, reason = "documents a parameter that changes nothing")]
    token_type_hint: Option<String>,
}

impl FromFields for RevokeForm {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let token = fields.required_text("token", TOKEN_BYTES_MAX)?;
        let token_type_hint = fields.text("token_type_hint", 255)?;
        Ok(Self {
            token: SecretString::new(token),
            token_type_hint,
        })
    }
}

/// Ends a token of the client: an access token alone, a refresh token with everything that rests on
/// it. A token that is unknown, has ended or is another client's changes nothing, and the answer is
/// the same.
#[utoipa::path(
    post,
    path = "/oauth/revoke",
    tag = "Token server",
    request_body(content = RevokeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Nothing of it is alive"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn revoke(
    api: web::Data<Api>,
    request: PresentedForm<RevokeForm>,
) -> Result<HttpResponse, ApiError> {
    let PresentedForm { credentials, form } = request;
    api.app()
        .token_server
        .revocation
        .revoke(&RevocationRequest {
            credentials,
            token: form.token,
        })
        .await?;
    Ok(HttpResponse::Ok().finish())
}
