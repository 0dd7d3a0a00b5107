//! What a user has allowed clients.

use std::convert::Infallible;
use std::str::FromStr;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ItemId, NothingFound, failed, nothing_found, scopes};
use crate::api::Api;
use crate::api::error::{ApiError, OAuthBody};
use crate::api::extract::{By, InPath, PathParameter, Portal};
use crate::ids::UserId;
use crate::oauth::PortalConsent;

/// A consent. Those to an application hold on all of the user's devices, so none is named.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndUserConsent {
    /// What it is taken back by.
    id: String,
    client_name: String,
    scopes: Vec<String>,
}

/// Consents.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndUserConsents {
    consents: Vec<EndUserConsent>,
}

impl From<PortalConsent> for EndUserConsent {
    fn from(consent: PortalConsent) -> Self {
        Self {
            id: consent.id.to_string(),
            client_name: consent.client_name,
            scopes: scopes(&consent.scope),
        }
    }
}

pub(crate) struct ConsentId(ItemId);

impl FromStr for ConsentId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        text.parse().map(Self)
    }
}

impl PathParameter for ConsentId {
    const NAME: &'static str = "consent_id";
}

/// What the user has allowed, at most 1,000.
#[utoipa::path(
    get,
    path = "/oauth/api/v1/users/{user_id}/consents",
    tag = "Portals",
    params(("user_id" = String, Path)),
    responses(
        (status = 200, body = EndUserConsents),
        (status = 404, description = "There are none", body = NothingFound),
        (status = "default", body = OAuthBody),
    ),
    security(("basic" = [])),
)]
pub(crate) async fn consents(
    api: web::Data<Api>,
    By(_portal, user): By<Portal, InPath<UserId>>,
) -> Result<HttpResponse, ApiError> {
    let consents = api
        .app()
        .token_server
        .portals
        .list_consents(&user.0)
        .await
        .map_err(failed)?;
    if consents.is_empty() {
        return Ok(nothing_found("No consents found"));
    }
    Ok(HttpResponse::Ok().json(EndUserConsents {
        consents: consents.into_iter().map(EndUserConsent::from).collect(),
    }))
}

/// Takes a consent back, and with it every token that the client was issued for the user. The
/// answer does not tell whether the user had given it.
#[utoipa::path(
    delete,
    path = "/oauth/api/v1/users/{user_id}/consents/{consent_id}",
    tag = "Portals",
    params(("user_id" = String, Path), ("consent_id" = String, Path)),
    responses((status = 204), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn remove_consent(
    api: web::Data<Api>,
    By(portal, (user, id)): By<Portal, (InPath<UserId>, InPath<ConsentId>)>,
) -> Result<HttpResponse, ApiError> {
    if let ConsentId(ItemId(Some(id))) = id.0 {
        api.app()
            .token_server
            .portals
            .remove_consent(portal.id(), &user.0, id)
            .await
            .map_err(failed)?;
    }
    Ok(HttpResponse::NoContent().finish())
}
