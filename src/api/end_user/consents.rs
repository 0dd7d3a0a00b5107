//! The consents that a user has given to clients.

use std::convert::Infallible;
use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;

use super::items::{ItemId, Items, split_scopes};
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::ApiError;
use crate::api::extract::{Path, PathParameter, Portal};
use crate::api::reply::NoContent;
use crate::ids::UserId;
use crate::oauth::PortalConsent;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Lists the consents of a user, at most 1,000.
    GET "/oauth/api/v1/users/{user_id}/consents" => list_consents;

    /// Withdraws a consent, and revokes all tokens that the client has for the user.
    ///
    /// The response is the same if the user has no such consent.
    DELETE "/oauth/api/v1/users/{user_id}/consents/{consent_id}" => remove_consent;
};

/// A consent. One that a user gave to an application holds on all their devices.
#[derive(Serialize, ToSchema)]
struct EndUserConsent {
    /// The `consent_id` to withdraw it with.
    id: String,
    client_name: String,
    /// The scopes that the user allows the client.
    scopes: Vec<String>,
}

/// The consents of a user.
#[derive(Serialize, ToSchema)]
struct EndUserConsents {
    consents: Vec<EndUserConsent>,
}

impl From<PortalConsent> for EndUserConsent {
    fn from(consent: PortalConsent) -> Self {
        Self {
            id: consent.id.to_string(),
            client_name: consent.client_name,
            scopes: split_scopes(&consent.scope),
        }
    }
}

struct ConsentId(ItemId);

impl FromStr for ConsentId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        text.parse().map(Self)
    }
}

impl PathParameter for ConsentId {
    const NAME: &'static str = "consent_id";
    const DESCRIPTION: &'static str = "The `id` of the consent in the list.";
}

async fn list_consents(
    api: SharedApi,
    _portal: Portal,
    Path(user): Path<UserId>,
) -> Result<Items<EndUserConsents>, ApiError> {
    let found = api.app.token_server.portals.list_consents(&user).await?;
    if found.is_empty() {
        return Ok(Items::None("No consents found"));
    }

    let consents = found.into_iter().map(EndUserConsent::from).collect();
    Ok(Items::Found(EndUserConsents { consents }))
}

async fn remove_consent(
    api: SharedApi,
    portal: Portal,
    Path(user): Path<UserId>,
    Path(ConsentId(id)): Path<ConsentId>,
) -> Result<NoContent, ApiError> {
    if let ItemId(Some(id)) = id {
        let token_server = &api.app.token_server;
        token_server
            .portals
            .remove_consent(portal.id(), &user, id)
            .await?;
    }

    Ok(NoContent)
}
