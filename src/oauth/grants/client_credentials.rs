//! A client's own token (RFC 6749 §4.4).

use std::sync::Arc;

use super::client::{authenticate_confidential, replayed};
use super::persist;
use super::request::TokenRequest;
use crate::base::Base;
use crate::oauth::clients::{AuthenticatedClient, Clients};
use crate::oauth::error::OAuthError;
use crate::oauth::scope::Requested;
use crate::oauth::tokens::{Issuance, Issue, TokenResponse};
use crate::oauth::{resource, scope};
use crate::settings::GrantType;
use crate::users::events::EventType;

pub(super) struct ClientCredentialsGrant {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
    pub(super) issuance: Arc<Issuance>,
}

impl ClientCredentialsGrant {
    pub(super) async fn exchange(
        &self,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuthError> {
        let grant_type = GrantType::ClientCredentials;
        let AuthenticatedClient { client, used, jkt } =
            authenticate_confidential(&self.clients, request, grant_type).await?;

        let settings = self.base.settings.load();
        let default = || client.default_own_scope();
        let scope = scope::decide(request.scope.as_deref(), default, |name| {
            Requested::of(name, client.may_have_itself(name), &settings)
        })?;

        if request.resource.is_some() && !client.may_use_resources_itself() {
            return Err(OAuthError::InvalidTarget);
        }

        let resource_server = resource::requested(&settings, &client, request.resource.as_deref())?;

        let token = self.issuance.access_token(Issue {
            client: &client,
            on: None,
            scope: &scope,
            resource_server: resource_server.as_deref(),
            jkt,
            actors: Vec::new(),
        })?;

        let event = client.event(
            EventType::TokenRequestAccessTokenCreated,
            None,
            self.base.clock.now(),
            self.base.random.as_ref(),
        );

        if !persist::issue_without_refresh(&self.base.store, used, &token, event).await? {
            return Err(replayed(request));
        }

        Ok(TokenResponse::new(token))
    }
}
