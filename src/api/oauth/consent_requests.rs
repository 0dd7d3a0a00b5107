//! Consent requests: the consent page learns what the user is to allow, and tells what the user
//! allows.

use serde::Serialize;
use utoipa::ToSchema;

use super::page_requests::{Challenge, DeviceBody, InstallationBody, RedirectBody, ScopeBody};
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Fields, FromFields, Json, LoginPage, Path};
use crate::oauth::{AcceptConsent, ConsentRequest, Rejection};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Reads a consent request, with which a consent page was called.
    GET "/oauth/api/v1/consent-requests/{challenge}" => read_consent_request,
        404 "There is no such request, or it has expired.",
        409 "The request has been answered already.";

    /// Accepts a consent request: tells what the user allows.
    PUT "/oauth/api/v1/consent-requests/{challenge}/accept" => accept_consent,
        403 "The client does not have the permission, or the user is disabled (`user_disabled`).",
        404 "There is no such request, or it has expired.",
        409 "The request has been answered already.";

    /// Rejects a consent request: the user allows nothing.
    PUT "/oauth/api/v1/consent-requests/{challenge}/reject" => reject_consent,
        404 "There is no such request, or it has expired.",
        409 "The request has been answered already.";
};

/// What a client asks of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentRequest)]
struct ConsentRequestBody {
    /// The id of the web client or the device.
    client_id: String,
    /// The name of the web client or the application.
    client_name: String,
    /// The installation that the user logs in on. Absent if the client is a web client.
    #[serde(skip_serializing_if = "Option::is_none")]
    installation: Option<InstallationBody>,
    /// The appliance that the user connects. Absent if the user is at a browser of the client's.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceBody>,
    /// The id of the user.
    subject: String,
    /// The scopes that the client asks for, separated by spaces.
    scope: String,
    /// The same, one by one.
    scopes: Vec<ScopeBody>,
    /// The languages that the user prefers, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    ui_locales: Option<String>,
    /// When the client asked, in RFC 3339.
    requested_at: String,
    /// Until when the page may answer, in RFC 3339.
    expires_at: String,
}

impl From<ConsentRequest> for ConsentRequestBody {
    fn from(request: ConsentRequest) -> Self {
        Self {
            client_id: request.client_id,
            client_name: request.client_name,
            installation: request.installation.map(InstallationBody::from),
            device: request.user_code.map(|user_code| DeviceBody { user_code }),
            subject: request.subject,
            scope: request.scope,
            scopes: request.scopes.into_iter().map(ScopeBody::from).collect(),
            ui_locales: request.ui_locales,
            requested_at: request.requested_at.to_rfc3339(),
            expires_at: request.expires_at.to_rfc3339(),
        }
    }
}

/// What the user allows.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "documents the body, which is read member by member"
)]
pub(crate) struct AcceptConsentBody {
    /// The scopes that the user allows. Default: all that the client asks for.
    granted_scopes: Option<Vec<String>>,
    /// Whether the user is not asked again for the same scopes. Default: false.
    remember: Option<bool>,
}

impl FromFields for AcceptConsent {
    type Schema = AcceptConsentBody;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            granted_scopes: fields.texts("granted_scopes")?,
            remember: fields.boolean("remember")?,
        })
    }
}

async fn read_consent_request(
    api: SharedApi,
    _page: LoginPage,
    Path(Challenge(challenge)): Path<Challenge>,
) -> Result<Json<ConsentRequestBody>, ApiError> {
    let request = api.app.token_server.consents.request(&challenge).await?;

    Ok(Json(request.into()))
}

async fn accept_consent(
    api: SharedApi,
    _page: LoginPage,
    Path(Challenge(challenge)): Path<Challenge>,
    Json(accepted): Json<AcceptConsent>,
) -> Result<Json<RedirectBody>, ApiError> {
    let token_server = &api.app.token_server;
    let redirect_to = token_server.consents.accept(&challenge, &accepted).await?;

    Ok(Json(RedirectBody { redirect_to }))
}

async fn reject_consent(
    api: SharedApi,
    _page: LoginPage,
    Path(Challenge(challenge)): Path<Challenge>,
    Json(rejected): Json<Rejection>,
) -> Result<Json<RedirectBody>, ApiError> {
    let token_server = &api.app.token_server;
    let redirect_to = token_server.consents.reject(&challenge, &rejected).await?;

    Ok(Json(RedirectBody { redirect_to }))
}
