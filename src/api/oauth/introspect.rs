//! Introspection (RFC 7662): what a token means, told to the APIs that take it.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, Fault, OAuthBody};
use crate::api::extract::{Fields, FromFields, ResourceGatewayForm};
use crate::oauth::{Introspection, TokenType};
use crate::secret::SecretString;

/// The longest token that is looked up.
const TOKEN_BYTES_MAX: usize = 8192;
const HINT_BYTES_MAX: usize = 255;

/// A token that is asked about.
#[derive(ToSchema)]
pub(crate) struct IntrospectionForm {
    #[schema(value_type = String)]
    token: SecretString,
    /// Not needed: the token tells what it is.
    #[expect(dead_code, reason = "checked, and of no further use")]
    token_type_hint: Option<String>,
}

impl FromFields for IntrospectionForm {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            token: SecretString::new(fields.required_text("token", TOKEN_BYTES_MAX)?),
            token_type_hint: fields.text("token_type_hint", HINT_BYTES_MAX)?,
        })
    }
}

/// What a token means.
#[derive(Serialize, ToSchema)]
pub(crate) struct IntrospectionAnswer {
    /// Always true: otherwise there is nothing but a false `active`.
    active: bool,
    scope: String,
    client_id: String,
    /// The user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The user's id; of a client's own token the client's.
    sub: String,
    /// `Bearer`, `DPoP`; refresh tokens have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// Seconds since the epoch; in version 1 those that are left.
    exp: i64,
    /// Seconds since the epoch.
    iat: i64,
    /// Of the resource server; without one the server itself.
    aud: String,
    iss: String,
    jti: String,
    /// The key it is bound to (RFC 9449 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    /// How the user was authenticated (RFC 8176).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    /// The application of an installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_identifier: Option<String>,
    /// `ios`, `android`.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_version: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Confirmation {
    /// Thumbprint of the key (RFC 7638).
    jkt: String,
}

#[derive(Serialize)]
struct Inactive {
    active: bool,
}

impl IntrospectionAnswer {
    fn new(found: Introspection, exp: i64, iss: &str) -> Self {
        let (app_identifier, app_platform, app_version) = match found.device {
            Some(app) => (
                Some(app.application_id),
                Some(app.platform),
                Some(app.version),
            ),
            None => (None, None, None),
        };
        Self {
            active: true,
            scope: found.scope,
            sub: found
                .user_id
                .clone()
                .unwrap_or_else(|| found.client_id.clone()),
            client_id: found.client_id,
            username: found.user_id,
            token_type: found.token_type.map(TokenType::as_str),
            exp,
            iat: found.issued_at.as_secs(),
            aud: found.audience,
            iss: iss.to_owned(),
            jti: found.jti.to_string(),
            cnf: found.jkt.map(|jkt| Confirmation { jkt }),
            amr: found.amr,
            app_identifier,
            app_platform,
            app_version,
        }
    }
}

/// What a token means.
#[utoipa::path(
    post,
    path = "/oauth/introspect",
    tag = "Token server",
    request_body(content = IntrospectionForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = IntrospectionAnswer), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn introspect(
    api: web::Data<Api>,
    request: ResourceGatewayForm<IntrospectionForm>,
) -> Result<HttpResponse, ApiError> {
    answer(&api, &request, |found| found.expires_at.as_secs()).await
}

/// The same.
#[utoipa::path(
    post,
    path = "/oauth/api/v2/token/introspect",
    tag = "Token server",
    request_body(content = IntrospectionForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = IntrospectionAnswer), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn introspect_v2(
    api: web::Data<Api>,
    request: ResourceGatewayForm<IntrospectionForm>,
) -> Result<HttpResponse, ApiError> {
    answer(&api, &request, |found| found.expires_at.as_secs()).await
}

/// The same, but `exp` is the number of seconds that are left.
#[utoipa::path(
    post,
    path = "/oauth/api/v1/token/introspect",
    tag = "Token server",
    request_body(content = IntrospectionForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = IntrospectionAnswer), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn introspect_v1(
    api: web::Data<Api>,
    request: ResourceGatewayForm<IntrospectionForm>,
) -> Result<HttpResponse, ApiError> {
    answer(&api, &request, |found| {
        i64::try_from(found.expires_in).unwrap_or(i64::MAX)
    })
    .await
}

async fn answer(
    api: &Api,
    request: &ResourceGatewayForm<IntrospectionForm>,
    exp: impl FnOnce(&Introspection) -> i64,
) -> Result<HttpResponse, ApiError> {
    let token_server = &api.app().token_server;
    let found = token_server
        .introspection
        .introspect(request.client.settings(), request.form.token.expose())
        .await?;
    Ok(match found {
        Some(found) => {
            let exp = exp(&found);
            HttpResponse::Ok().json(IntrospectionAnswer::new(
                found,
                exp,
                token_server.issuer.as_str(),
            ))
        }
        None => HttpResponse::Ok().json(Inactive { active: false }),
    })
}
