use super::request::TokenRequest;
use crate::oauth::clients::Client;
use crate::oauth::error::OAuthError;
use crate::oauth::model::{LiveRefreshFamily, UsedAssertions};
use crate::oauth::scope::Requested;
use crate::oauth::tokens::{Issuance, Issue, IssuedToken};
use crate::oauth::{resource, scope};
use crate::settings::Settings;

/// A refresh token that was presented by the client it was issued to.
pub(super) struct Presented {
    pub(super) client: Client,
    pub(super) live: LiveRefreshFamily,
    pub(super) generation: i32,
    /// Still to be recorded.
    pub(super) used: UsedAssertions,
    /// The thumbprint of the key that the request proves.
    pub(super) jkt: Option<String>,
}

impl Presented {
    /// Whether it is only good for being bound to an authenticator: where the application has PINs,
    /// a token that no authenticator protects.
    pub(super) fn must_be_bound(&self) -> bool {
        self.client.has_pins() && self.live.family.authenticator.is_none()
    }

    /// A new access token that rests on the grant, with the requested scopes or all of the grant's.
    pub(super) fn access_token(
        &self,
        issuance: &Issuance,
        settings: &Settings,
        request: &TokenRequest,
    ) -> Result<IssuedToken, OAuthError> {
        let grant = &self.live.grant;
        // More than was granted is not ignored (RFC 6749 §6).
        let is_granted = |name: &str| {
            if scope::contains(&grant.scope, name) {
                Requested::Allowed
            } else {
                Requested::Refused
            }
        };
        let requested = request.scope.as_deref();
        let scope = scope::decide(requested, || grant.scope.clone(), is_granted)?;

        let granted = grant.resource_server.as_deref();
        let resource = request.resource.as_deref();
        let resource_server = resource::within(settings, &self.client, granted, resource)?;

        issuance.access_token(Issue {
            client: &self.client,
            on: Some(grant.into()),
            scope: &scope,
            resource_server: resource_server.as_deref(),
            jkt: self.jkt.clone(),
            actors: Vec::new(),
        })
    }
}
