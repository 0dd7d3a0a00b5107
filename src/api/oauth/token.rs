//! The token endpoint (RFC 6749 §3.2).

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use super::token_info::{self, TokenInfoReply};
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{CredentialsForm, DpopHeader, Fields, FromFields, Json};
use crate::api::openapi::Operation;
use crate::api::reply::Reply;
use crate::oauth::{Credentials, TOKEN_INFO_GRANT, TokenInfoRequest, TokenRequest, TokenResponse};
use crate::secret::SecretString;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Issues an access token.
    ///
    /// `grant_type` decides which other parameters are used:
    ///
    /// - `authorization_code`: `code`, `redirect_uri`, `code_verifier`
    /// - `refresh_token`: `refresh_token`, `scope`, `resource`, `proof`, `authenticator`
    /// - `client_credentials`: `scope`, `resource`
    /// - `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628): `device_code`
    /// - `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): `subject_token`,
    ///   `subject_token_type`, `resource` or `audience`, `scope`
    /// - `urn:oa4mp:params:oauth:grant-type:token-info`: issues nothing, but lists the tokens of a
    ///   user, as described at `GET`; `access_token` or `refresh_token`
    ///
    /// With a `DPoP` header, the token is bound to the key that the header proves (RFC 9449).
    POST "/oauth/token" => issue_token,
        400 "The token is refused; `error` and, for a refresh token, `code` tell why.",
        401 "The client is unknown, or its credentials are wrong, expired or used before.";
};

/// The longest parameter.
const TEXT_BYTES_MAX: usize = 2048;

/// The parameters of all grants.
#[derive(ToSchema)]
struct TokenForm {
    /// The grant that the token is issued for.
    grant_type: String,
    /// The scopes that the client asks for, separated by spaces. Default: all that it may have.
    scope: Option<String>,
    /// The audience of a resource server, for which the token is meant (RFC 8707).
    resource: Option<String>,
    /// The same, where a token is exchanged (RFC 8693).
    audience: Option<String>,
    /// The access token that is exchanged: one of a user.
    #[schema(value_type = Option<String>)]
    subject_token: Option<SecretString>,
    /// `urn:ietf:params:oauth:token-type:access_token`.
    subject_token_type: Option<String>,
    /// `urn:ietf:params:oauth:token-type:access_token`, which is the default.
    requested_token_type: Option<String>,
    /// Not supported: the client itself is the actor.
    #[schema(value_type = Option<String>)]
    actor_token: Option<SecretString>,
    /// The authorization code.
    #[schema(value_type = Option<String>)]
    code: Option<SecretString>,
    /// The `redirect_uri` of the authorization request.
    redirect_uri: Option<String>,
    /// The text whose SHA-256 is the `code_challenge` of the authorization request (RFC 7636).
    #[schema(value_type = Option<String>)]
    code_verifier: Option<SecretString>,
    /// The code that the appliance got (RFC 8628).
    #[schema(value_type = Option<String>)]
    device_code: Option<SecretString>,
    /// A token of the user whose tokens are listed.
    #[schema(value_type = Option<String>)]
    access_token: Option<SecretString>,
    /// The refresh token; for a list, a token of the user whose tokens are listed.
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
    /// If the refresh token is bound to an authenticator: a compact JWS (`ES256`, `typ`
    /// `refresh-proof+jwt`) by its key over `{"refresh_token_hash", "iat"}`: the SHA-256 of the
    /// refresh token in base64url, and the time in seconds since the epoch.
    #[schema(value_type = Option<String>)]
    proof: Option<SecretString>,
    /// The authenticator to which the new refresh token is bound: `pin`, `fingerprint` or
    /// `custom:ID`. Default: that of the present one.
    authenticator: Option<String>,
}

impl FromFields for TokenForm {
    type Schema = Self;

    /// RFC 6749 §3.2.
    const IGNORES_UNKNOWN: bool = true;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            grant_type: fields.required_text("grant_type", TEXT_BYTES_MAX)?,
            scope: fields.text("scope", TEXT_BYTES_MAX)?,
            resource: fields.text("resource", TEXT_BYTES_MAX)?,
            audience: fields.text("audience", TEXT_BYTES_MAX)?,
            subject_token: fields.secret("subject_token", token_info::TOKEN_BYTES_MAX)?,
            subject_token_type: fields.text("subject_token_type", TEXT_BYTES_MAX)?,
            requested_token_type: fields.text("requested_token_type", TEXT_BYTES_MAX)?,
            actor_token: fields.secret("actor_token", token_info::TOKEN_BYTES_MAX)?,
            code: fields.secret("code", TEXT_BYTES_MAX)?,
            redirect_uri: fields.text("redirect_uri", TEXT_BYTES_MAX)?,
            code_verifier: fields.secret("code_verifier", TEXT_BYTES_MAX)?,
            device_code: fields.secret("device_code", TEXT_BYTES_MAX)?,
            access_token: fields.secret("access_token", token_info::TOKEN_BYTES_MAX)?,
            refresh_token: fields.secret("refresh_token", TEXT_BYTES_MAX)?,
            proof: fields.secret("proof", TEXT_BYTES_MAX)?,
            authenticator: fields.text("authenticator", TEXT_BYTES_MAX)?,
        })
    }
}

impl TokenForm {
    fn into_request(self, credentials: Credentials, dpop: Option<SecretString>) -> TokenRequest {
        TokenRequest {
            credentials,
            grant_type: self.grant_type,
            scope: self.scope,
            resource: self.resource,
            audience: self.audience,
            subject_token: self.subject_token,
            subject_token_type: self.subject_token_type,
            requested_token_type: self.requested_token_type,
            actor_token: self.actor_token,
            code: self.code,
            redirect_uri: self.redirect_uri,
            code_verifier: self.code_verifier,
            device_code: self.device_code,
            refresh_token: self.refresh_token,
            proof: self.proof,
            authenticator: self.authenticator,
            dpop,
        }
    }
}

/// A token that was issued.
#[derive(Serialize, ToSchema)]
struct IssuedToken {
    /// Keep it secret.
    access_token: String,
    /// `Bearer` or `DPoP`.
    token_type: &'static str,
    /// How long the access token is valid, in seconds.
    expires_in: u64,
    /// The scopes of the token, separated by spaces.
    scope: String,
    /// Of a token that was exchanged: `urn:ietf:params:oauth:token-type:access_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    /// Keep it secret. It replaces the one that was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// A JWT that tells who the user is, with the scope `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    /// For a device: six characters, which name the user on it. Absent if the user has not enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_id: Option<String>,
}

impl From<TokenResponse> for IssuedToken {
    fn from(response: TokenResponse) -> Self {
        let refresh_token = response.refresh_token;

        Self {
            access_token: response.access_token.expose().to_owned(),
            token_type: response.token_type.as_str(),
            expires_in: response.expires_in,
            scope: response.scope,
            issued_token_type: response.issued_token_type,
            refresh_token: refresh_token.map(|token| token.expose().to_owned()),
            id_token: response.id_token,
            profile_id: response.profile_id.map(String::from),
        }
    }
}

/// A new token, or the list of a user's tokens.
enum TokenReply {
    Issued(Json<IssuedToken>),
    Listed(TokenInfoReply),
}

impl Reply for TokenReply {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        match self {
            Self::Issued(token) => {
                let mut response = token.into_response()?;
                // RFC 6749 §5.1 asks for it beside `Cache-Control`.
                let no_cache = HeaderValue::from_static("no-cache");
                response.headers_mut().insert(header::PRAGMA, no_cache);
                Ok(response)
            }
            Self::Listed(list) => list.into_response(),
        }
    }

    /// The list is described at its own endpoint.
    fn describe(operation: &mut Operation<'_>) {
        Json::<IssuedToken>::describe(operation);
    }
}

async fn issue_token(
    api: SharedApi,
    DpopHeader(dpop): DpopHeader,
    CredentialsForm { credentials, form }: CredentialsForm<TokenForm>,
) -> Result<TokenReply, ApiError> {
    let token_server = &api.app.token_server;

    if form.grant_type == TOKEN_INFO_GRANT {
        let request = TokenInfoRequest {
            credentials,
            access_token: form.access_token,
            refresh_token: form.refresh_token,
        };

        let list = token_server.listing.begin(&request).await?;

        return Ok(TokenReply::Listed(TokenInfoReply(list)));
    }

    let request = form.into_request(credentials, dpop);
    let response = token_server.grants.token(&request).await?;

    Ok(TokenReply::Issued(Json(response.into())))
}
