//! Consent requests: how the consent page learns what a user is to allow, and says what the user
//! allows.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::login_requests::{
    Challenge, InstalledAnswer, RedirectAnswer, RejectBody, ScopeAnswer, boolean,
};
use crate::api::Api;
use crate::api::error::{ApiError, Fault, OAuthBody};
use crate::api::extract::{By, Fields, FromFields, InPath, Json, LoginPage};
use crate::oauth::{AcceptConsent, ConsentRequest, Rejection};

/// What a consent page is asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConsentRequestAnswer {
    /// The web client or the installation.
    client_id: String,
    client_name: String,
    #[serde(flatten)]
    installed: Option<InstalledAnswer>,
    /// The user.
    subject: String,
    scope: String,
    scopes: Vec<ScopeAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ui_locales: Option<String>,
    /// RFC 3339.
    requested_at: String,
    /// RFC 3339.
    expires_at: String,
}

impl From<ConsentRequest> for ConsentRequestAnswer {
    fn from(request: ConsentRequest) -> Self {
        Self {
            client_id: request.client_id,
            client_name: request.client_name,
            installed: request.device.map(InstalledAnswer::from),
            subject: request.subject,
            scope: request.scope,
            scopes: ScopeAnswer::all(request.scopes),
            ui_locales: request.ui_locales,
            requested_at: request.requested_at.to_rfc3339(),
            expires_at: request.expires_at.to_rfc3339(),
        }
    }
}

/// The user allows it.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "documents the body, which is read member by member"
)]
pub(crate) struct ConsentBody {
    /// Which of the scopes; all of them without it.
    granted_scopes: Option<Vec<String>>,
    /// Whether the user is not to be asked again for the same.
    remember: Option<bool>,
}

impl FromFields for AcceptConsent {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let granted_scopes = fields
            .value("granted_scopes")
            .map(serde_json::from_value)
            .transpose();
        Ok(Self {
            granted_scopes: granted_scopes
                .map_err(|_| Fault::parameter("granted_scopes", "must be an array of strings"))?,
            remember: boolean(fields, "remember")?,
        })
    }
}

/// What the consent page is asked for.
#[utoipa::path(
    get,
    path = "/oauth/api/v1/consent-requests/{challenge}",
    tag = "Token server",
    params(("challenge" = String, Path)),
    responses((status = 200, body = ConsentRequestAnswer), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn consent_request(
    api: web::Data<Api>,
    By(_page, challenge): By<LoginPage, InPath<Challenge>>,
) -> Result<HttpResponse, ApiError> {
    let request = api
        .app()
        .token_server
        .consents
        .request(&challenge.0.0)
        .await?;
    Ok(HttpResponse::Ok().json(ConsentRequestAnswer::from(request)))
}

/// Says what the user allows.
#[utoipa::path(
    put,
    path = "/oauth/api/v1/consent-requests/{challenge}/accept",
    tag = "Token server",
    params(("challenge" = String, Path)),
    request_body = ConsentBody,
    responses((status = 200, body = RedirectAnswer), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn accept_consent(
    api: web::Data<Api>,
    By(_page, (challenge, body)): By<LoginPage, (InPath<Challenge>, Json<AcceptConsent>)>,
) -> Result<HttpResponse, ApiError> {
    let redirect_to = api
        .app()
        .token_server
        .consents
        .accept(&challenge.0.0, &body.0)
        .await?;
    Ok(HttpResponse::Ok().json(RedirectAnswer { redirect_to }))
}

/// Says that the user does not allow it.
#[utoipa::path(
    put,
    path = "/oauth/api/v1/consent-requests/{challenge}/reject",
    tag = "Token server",
    params(("challenge" = String, Path)),
    request_body = RejectBody,
    responses((status = 200, body = RedirectAnswer), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn reject_consent(
    api: web::Data<Api>,
    By(_page, (challenge, body)): By<LoginPage, (InPath<Challenge>, Json<Rejection>)>,
) -> Result<HttpResponse, ApiError> {
    let redirect_to = api
        .app()
        .token_server
        .consents
        .reject(&challenge.0.0, &body.0)
        .await?;
    Ok(HttpResponse::Ok().json(RedirectAnswer { redirect_to }))
}
