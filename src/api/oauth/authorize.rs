//! The authorization endpoint (RFC 6749 §3.1).

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::api::Api;
use crate::api::error::{ApiError, Fault, OAuthBody};
use crate::api::extract::{Fields, FromFields, Query};
use crate::oauth::AuthorizeRequest;

/// The longest parameter that is looked at.
const TEXT_BYTES_MAX: usize = 2048;

impl FromFields for AuthorizeRequest {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            response_type: fields.text("response_type", TEXT_BYTES_MAX)?,
            client_id: fields.text("client_id", TEXT_BYTES_MAX)?,
            redirect_uri: fields.text("redirect_uri", TEXT_BYTES_MAX)?,
            scope: fields.text("scope", TEXT_BYTES_MAX)?,
            state: fields.text("state", TEXT_BYTES_MAX)?,
            code_challenge: fields.text("code_challenge", TEXT_BYTES_MAX)?,
            code_challenge_method: fields.text("code_challenge_method", TEXT_BYTES_MAX)?,
        })
    }
}

/// Sends the user's browser to the login page, or back to the application with an error.
#[utoipa::path(
    get,
    path = "/oauth/authorize",
    tag = "Token server",
    params(
        ("response_type" = String, Query, description = "`code`"),
        ("client_id" = String, Query, description = "The installation"),
        ("redirect_uri" = String, Query, description = "One of the application's, exactly"),
        ("scope" = Option<String>, Query),
        ("state" = Option<String>, Query),
        ("code_challenge" = String, Query, description = "RFC 7636"),
        ("code_challenge_method" = String, Query, description = "`S256`"),
    ),
    responses((status = 303, description = "Where to go on"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn authorize(api: web::Data<Api>, request: Query<AuthorizeRequest>) -> Result<HttpResponse, ApiError> {
    let address = api.app().token_server.authorize(&request.0).await?;
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, address)).finish())
}
