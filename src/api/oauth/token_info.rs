//! Listing a user's tokens at the token endpoint (OA4MP).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use futures_util::stream;
use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{CredentialsQuery, Fields, FromFields};
use crate::api::openapi::Operation;
use crate::api::reply::Reply;
use crate::oauth::{OAuthError, TOKEN_INFO_GRANT, TokenInfoRequest, TokenListing};
use crate::secret::SecretString;
use crate::store::StoreError;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Lists the tokens of the user to whom a token belongs (OA4MP).
    ///
    /// An API client with the permission `list_users` gets the tokens of the clients that it
    /// administers, one with `list_users_other_clients` those of all clients. Another client gets its
    /// own. The list is streamed; if it cannot be completed, the connection breaks.
    GET "/oauth/token" => list_tokens_of_user,
        400 "A parameter is missing or malformed, or the token is not valid.",
        401 "The client is unknown, or its credentials are wrong, expired or used before.",
        403 "The API client has neither permission.";
};

/// The longest token that is looked up.
pub(super) const TOKEN_BYTES_MAX: usize = 8192;

/// Whose tokens to list. One of the tokens is required.
#[derive(ToSchema)]
struct TokenInfoQuery {
    /// `urn:oa4mp:params:oauth:grant-type:token-info`. Other grants need POST.
    grant_type: String,
    /// A valid access token of the user.
    #[schema(value_type = Option<String>)]
    access_token: Option<SecretString>,
    /// A valid refresh token of the user.
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
}

impl FromFields for TokenInfoQuery {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            grant_type: fields.required_text("grant_type", 255)?,
            access_token: fields.secret("access_token", TOKEN_BYTES_MAX)?,
            refresh_token: fields.secret("refresh_token", TOKEN_BYTES_MAX)?,
        })
    }
}

/// The tokens of a user.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is written in pieces")]
struct TokenInfo {
    /// The id of the user.
    user_uid: String,
    clients: Vec<TokenInfoClient>,
}

/// The tokens of a user at a client.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is written in pieces")]
struct TokenInfoClient {
    client_id: String,
    transactions: Vec<TokenInfoTransaction>,
}

/// A log-in, and the tokens that were issued for it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is written in pieces")]
struct TokenInfoTransaction {
    /// The id of the log-in. It is not an authorization code.
    code: String,
    tokens: Vec<TokenInfoEntry>,
}

/// An access token or a refresh token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is written in pieces")]
struct TokenInfoEntry {
    access_token: Option<TokenInfoToken>,
    refresh_token: Option<TokenInfoToken>,
}

/// A token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which is written in pieces")]
struct TokenInfoToken {
    /// Whether the token has not expired.
    is_valid: bool,
    /// How long the token is valid from its issue, in milliseconds.
    lifetime: i64,
    /// When the token was issued, in milliseconds since the epoch.
    issued_at: i64,
    /// The id of the token.
    jti: String,
    /// A valid JWT access token, signed anew with the same claims. Absent for other tokens, which the
    /// server does not keep.
    token: Option<String>,
}

/// The list, written to the response while it is read.
pub(super) struct TokenInfoReply(pub(super) TokenListing);

impl Reply for TokenInfoReply {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        // An error after the beginning ends the stream, and with it the connection: no client takes
        // half a list for a whole one.
        let pieces = stream::try_unfold(self.0, |mut listing| async move {
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

    fn describe(operation: &mut Operation<'_>) {
        operation.success::<TokenInfo>(StatusCode::OK);
    }
}

async fn list_tokens_of_user(
    api: SharedApi,
    CredentialsQuery { credentials, query }: CredentialsQuery<TokenInfoQuery>,
) -> Result<TokenInfoReply, ApiError> {
    if query.grant_type != TOKEN_INFO_GRANT {
        return Err(OAuthError::InvalidRequest("This grant is asked for with POST.").into());
    }

    let request = TokenInfoRequest {
        credentials,
        access_token: query.access_token,
        refresh_token: query.refresh_token,
    };

    let list = api.app.token_server.listing.begin(&request).await?;

    Ok(TokenInfoReply(list))
}
