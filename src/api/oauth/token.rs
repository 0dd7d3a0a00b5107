//! The token endpoint (RFC 6749 §3.2).

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, Fault, OAuthBody};
use crate::api::extract::{Fields, FromFields, PresentedForm};
use crate::oauth::{TokenRequest, TokenResponse};
use crate::secret::SecretString;

/// The longest parameter that is looked at.
const TEXT_BYTES_MAX: usize = 2048;

/// The parameters of the grants there are.
#[derive(ToSchema)]
pub(crate) struct TokenForm {
    /// `client_credentials`, `authorization_code`.
    grant_type: String,
    /// `client_credentials`.
    scope: Option<String>,
    /// `authorization_code`.
    #[schema(value_type = Option<String>)]
    code: Option<SecretString>,
    /// `authorization_code`: the same as at the authorization endpoint.
    redirect_uri: Option<String>,
    /// `authorization_code` (RFC 7636).
    #[schema(value_type = Option<String>)]
    code_verifier: Option<SecretString>,
}

impl FromFields for TokenForm {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            grant_type: fields.required_text("grant_type", TEXT_BYTES_MAX)?,
            scope: fields.text("scope", TEXT_BYTES_MAX)?,
            code: fields.text("code", TEXT_BYTES_MAX)?.map(SecretString::new),
            redirect_uri: fields.text("redirect_uri", TEXT_BYTES_MAX)?,
            code_verifier: fields.text("code_verifier", TEXT_BYTES_MAX)?.map(SecretString::new),
        })
    }
}

/// A token was issued.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// A secret.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    scope: &'static str,
    /// Of a user who is enrolled on the installation: six characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_id: Option<String>,
}

impl From<TokenResponse> for TokenAnswer {
    fn from(response: TokenResponse) -> Self {
        Self {
            access_token: response.access_token.expose().to_owned(),
            token_type: "Bearer",
            expires_in: response.expires_in,
            scope: response.scope,
            profile_id: response.profile_id.map(String::from),
        }
    }
}

/// Issues an access token. The client authenticates with `private_key_jwt` (RFC 7523 §2.2).
#[utoipa::path(
    post,
    path = "/oauth/token",
    tag = "Token server",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenAnswer), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn token(api: web::Data<Api>, request: PresentedForm<TokenForm>) -> Result<HttpResponse, ApiError> {
    let PresentedForm { credentials, form } = request;
    let TokenForm { grant_type, scope, code, redirect_uri, code_verifier } = form;
    let request = TokenRequest { credentials, grant_type, scope, code, redirect_uri, code_verifier };
    let response = api.app().token_server.token(&request).await?;
    Ok(HttpResponse::Ok().json(TokenAnswer::from(response)))
}
