//! The token endpoint (RFC 6749 §3.2).

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::token_info;
use crate::api::Api;
use crate::api::error::{ApiError, Fault, OAuthBody};
use crate::api::extract::{DpopHeader, Fields, FromFields, PresentedForm};
use crate::oauth::{TOKEN_INFO_GRANT, TokenInfoRequest, TokenRequest, TokenResponse};
use crate::secret::SecretString;

/// The longest parameter that is looked at.
const TEXT_BYTES_MAX: usize = 2048;

/// The parameters of the grants there are.
#[derive(ToSchema)]
pub(crate) struct TokenForm {
    /// `client_credentials`, `authorization_code`, `refresh_token`.
    grant_type: String,
    /// `client_credentials`, `refresh_token`.
    scope: Option<String>,
    /// Whom the token is meant for (RFC 8707).
    resource: Option<String>,
    /// `authorization_code`.
    #[schema(value_type = Option<String>)]
    code: Option<SecretString>,
    /// `authorization_code`: the same as at the authorization endpoint.
    redirect_uri: Option<String>,
    /// `authorization_code` (RFC 7636).
    #[schema(value_type = Option<String>)]
    code_verifier: Option<SecretString>,
    /// `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628).
    #[schema(value_type = Option<String>)]
    device_code: Option<SecretString>,
    /// `urn:oa4mp:params:oauth:grant-type:token-info`, which takes a `refresh_token` too.
    #[schema(value_type = Option<String>)]
    access_token: Option<SecretString>,
    /// `refresh_token`.
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
    /// `refresh_token`: a JWS by the key of the authenticator the token belongs to.
    #[schema(value_type = Option<String>)]
    proof: Option<SecretString>,
    /// `refresh_token`: asks for one that belongs to this authenticator: `pin`, `fingerprint`,
    /// `custom:ID`.
    authenticator: Option<String>,
}

impl FromFields for TokenForm {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            grant_type: fields.required_text("grant_type", TEXT_BYTES_MAX)?,
            scope: fields.text("scope", TEXT_BYTES_MAX)?,
            resource: fields.text("resource", TEXT_BYTES_MAX)?,
            code: fields.text("code", TEXT_BYTES_MAX)?.map(SecretString::new),
            redirect_uri: fields.text("redirect_uri", TEXT_BYTES_MAX)?,
            code_verifier: fields
                .text("code_verifier", TEXT_BYTES_MAX)?
                .map(SecretString::new),
            device_code: fields
                .text("device_code", TEXT_BYTES_MAX)?
                .map(SecretString::new),
            access_token: fields
                .text("access_token", token_info::TOKEN_BYTES_MAX)?
                .map(SecretString::new),
            refresh_token: fields
                .text("refresh_token", TEXT_BYTES_MAX)?
                .map(SecretString::new),
            proof: fields.text("proof", TEXT_BYTES_MAX)?.map(SecretString::new),
            authenticator: fields.text("authenticator", TEXT_BYTES_MAX)?,
        })
    }
}

/// A token was issued.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// A secret.
    access_token: String,
    /// `Bearer`, `DPoP`.
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    scope: String,
    /// A secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    /// Of a user who is enrolled on the installation: six characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_id: Option<String>,
}

impl From<TokenResponse> for TokenAnswer {
    fn from(response: TokenResponse) -> Self {
        Self {
            access_token: response.access_token.expose().to_owned(),
            token_type: response.token_type.as_str(),
            expires_in: response.expires_in,
            scope: response.scope,
            refresh_token: response
                .refresh_token
                .map(|token| token.expose().to_owned()),
            id_token: response.id_token,
            profile_id: response.profile_id.map(String::from),
        }
    }
}

/// Issues an access token; with a `DPoP` header, one that is bound to the key the header proves
/// (RFC 9449).
#[utoipa::path(
    post,
    path = "/oauth/token",
    tag = "Token server",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenAnswer), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn token(
    api: web::Data<Api>,
    dpop: DpopHeader,
    request: PresentedForm<TokenForm>,
) -> Result<HttpResponse, ApiError> {
    let PresentedForm { credentials, form } = request;
    if form.grant_type == TOKEN_INFO_GRANT {
        let TokenForm {
            access_token,
            refresh_token,
            ..
        } = form;
        return token_info::answer(
            &api,
            TokenInfoRequest {
                credentials,
                access_token,
                refresh_token,
            },
        )
        .await;
    }
    let TokenForm {
        grant_type,
        scope,
        resource,
        code,
        redirect_uri,
        code_verifier,
        device_code,
        refresh_token,
        proof,
        authenticator,
        access_token: _,
    } = form;
    let request = TokenRequest {
        credentials,
        grant_type,
        scope,
        resource,
        code,
        redirect_uri,
        code_verifier,
        device_code,
        refresh_token,
        proof,
        authenticator,
        dpop: dpop.0,
    };
    let response = api.app().token_server.grants.token(&request).await?;
    Ok(HttpResponse::Ok().json(TokenAnswer::from(response)))
}
