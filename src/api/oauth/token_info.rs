//! Listing a user's tokens at the token endpoint (OA4MP), streamed.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use futures_util::stream;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, Fault, OAuthBody};
use crate::api::extract::{Fields, FromFields, PresentedQuery};
use crate::oauth::{OAuthError, TOKEN_INFO_GRANT, TokenInfoRequest};
use crate::secret::SecretString;
use crate::store::StoreError;

/// The longest token that is looked at, in bytes.
pub(super) const TOKEN_BYTES_MAX: usize = 8192;

/// The parameters in the query string; credentials do not belong there.
pub(crate) struct TokenInfoQuery {
    grant_type: String,
    access_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
}

impl FromFields for TokenInfoQuery {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            grant_type: fields.required_text("grant_type", 255)?,
            access_token: fields
                .text("access_token", TOKEN_BYTES_MAX)?
                .map(SecretString::new),
            refresh_token: fields
                .text("refresh_token", TOKEN_BYTES_MAX)?
                .map(SecretString::new),
        })
    }
}

/// What is told of a token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is written in pieces")]
pub(crate) struct TokenInfo {
    /// Whether it has not expired.
    is_valid: bool,
    /// Milliseconds.
    lifetime: i64,
    /// Milliseconds since the epoch.
    issued_at: i64,
    jti: String,
    /// Of an access token that is a JWT and good for anything: signed anew, with the same claims.
    /// Opaque tokens are not kept.
    token: Option<String>,
}

/// One or the other.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is written in pieces")]
pub(crate) struct TokenInfoEntry {
    access_token: Option<TokenInfo>,
    refresh_token: Option<TokenInfo>,
}

/// A login, and what was issued on it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is written in pieces")]
pub(crate) struct TokenInfoTransaction {
    /// Names the login; not an authorization code.
    code: String,
    tokens: Vec<TokenInfoEntry>,
}

/// A client.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is written in pieces")]
pub(crate) struct TokenInfoClient {
    client_id: String,
    transactions: Vec<TokenInfoTransaction>,
}

/// All tokens of a user.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is written in pieces")]
pub(crate) struct TokenInfoAnswer {
    user_uid: String,
    clients: Vec<TokenInfoClient>,
}

/// Lists the tokens of the user whose token is shown: for an API client with `list_users` those of
/// the clients it administers, with `list_users_other_clients` all; for other clients their own.
/// With Basic, or a client assertion as `Bearer`. No other grant is to be had with GET.
#[utoipa::path(
    get,
    path = "/oauth/token",
    tag = "Token server",
    params(
        ("grant_type" = String, Query, description = "`urn:oa4mp:params:oauth:grant-type:token-info`"),
        ("access_token" = Option<String>, Query, description = "A valid one of the user"),
        ("refresh_token" = Option<String>, Query, description = "The same"),
    ),
    responses((status = 200, body = TokenInfoAnswer), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn token_info(
    api: web::Data<Api>,
    request: PresentedQuery<TokenInfoQuery>,
) -> Result<HttpResponse, ApiError> {
    let PresentedQuery { credentials, query } = request;
    let TokenInfoQuery {
        grant_type,
        access_token,
        refresh_token,
    } = query;
    if grant_type != TOKEN_INFO_GRANT {
        return Err(OAuthError::InvalidRequest("This grant is asked for with POST.").into());
    }
    answer(
        &api,
        TokenInfoRequest {
            credentials,
            access_token,
            refresh_token,
        },
    )
    .await
}

/// The list, read as it is taken. What fails after its beginning breaks the connection, so that
/// nobody takes it for whole.
pub(super) async fn answer(api: &Api, request: TokenInfoRequest) -> Result<HttpResponse, ApiError> {
    let listing = api.app().token_server.listing.begin(&request).await?;
    let pieces = stream::try_unfold(listing, |mut listing| async move {
        let piece = listing
            .next()
            .await
            .inspect_err(|error| tracing::warn!(%error, "a list of tokens was cut short"))?;
        Ok::<_, StoreError>(piece.map(|piece| (Bytes::from(piece), listing)))
    });
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .streaming(Box::pin(pieces)))
}
