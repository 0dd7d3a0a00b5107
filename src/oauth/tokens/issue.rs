//! Making access tokens.

use std::time::Duration;

use super::super::clients::Client;
use super::super::error::OAuthError;
use super::super::{TokenServer, scope};
use super::jwt::Meaning;
use super::text;
use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, UserId, uuid_v7};
use crate::secret::SecretString;
use crate::settings::{ResourceServer, TokenFormat};
use crate::store::rows::{AccessTokenRow, EventRow, GrantRow};
use crate::users::events::{Concerning, EventType, event};

/// What an access token is issued for.
pub(in crate::oauth) struct Issue<'a> {
    pub(in crate::oauth) client: &'a Client,
    /// For which user; none for the client itself.
    pub(in crate::oauth) grant: Option<&'a GrantRow>,
    /// What it allows, before the resource server is looked at.
    pub(in crate::oauth) scope: &'a str,
    /// Whom it is meant for.
    pub(in crate::oauth) resource_server: Option<&'a ResourceServer>,
    /// The key it is bound to.
    pub(in crate::oauth) jkt: Option<String>,
}

/// A token that becomes one when its row is committed.
pub(in crate::oauth) struct NewAccessToken {
    pub(in crate::oauth) text: SecretString,
    pub(in crate::oauth) row: AccessTokenRow,
    pub(in crate::oauth) lifetime: Duration,
}

impl TokenServer {
    /// A fresh access token. It lives as long as the policy says, and not longer than what it rests
    /// on.
    pub(in crate::oauth) fn new_access_token(
        &self,
        issue: Issue<'_>,
    ) -> Result<NewAccessToken, OAuthError> {
        let Issue {
            client,
            grant,
            scope,
            resource_server,
            jkt,
        } = issue;
        let now = self.0.base.clock.now();
        let policy = client.policy().for_resource_server(resource_server);
        let expires_at = now.after(policy.access_token_lifetime()).as_millis();
        let expires_at = grant.map_or(expires_at, |grant| expires_at.min(grant.expires_at));
        let id = uuid_v7(now, self.0.base.random.as_ref()).into_bytes();
        let mut row = AccessTokenRow {
            id: id.to_vec(),
            token_hash: None,
            grant_id: grant.map(|grant| grant.id.clone()),
            client_id: client.id().to_owned(),
            application_id: client.application_id().map(str::to_owned),
            user_id: grant.map(|grant| grant.user_id.clone()),
            scope: scope::for_resource_server(scope, resource_server)?,
            resource_server: resource_server.map(|server| server.id.clone()),
            jkt,
            signing_algorithm: None,
            issued_at: now.as_millis(),
            expires_at,
        };
        let text = match policy.access_token_format {
            TokenFormat::Opaque => text::new_access_token(&id, self.0.base.random.as_ref()),
            TokenFormat::Jwt => {
                row.signing_algorithm = Some(policy.signing_algorithm.as_str().to_owned());
                let authentication = grant.map(GrantRow::authentication);
                let audience =
                    resource_server.map_or(self.0.issuer.as_str(), |server| &server.audience);
                let means = Meaning {
                    id,
                    row: &row,
                    authentication: authentication.as_ref(),
                    audience,
                };
                self.jwt_access_token(&means, policy.signing_algorithm)?
            }
        };
        row.token_hash =
            Some(text::access_token_hash(&self.0.base.keyring, text.expose()).to_vec());
        let lifetime =
            Duration::from_millis(u64::try_from(expires_at - now.as_millis()).unwrap_or(0));
        Ok(NewAccessToken {
            text,
            row,
            lifetime,
        })
    }

    /// What the audit log says of a token or what it rests on.
    pub(in crate::oauth) fn token_event(
        &self,
        event_type: EventType,
        client: &Client,
        user: Option<&str>,
        now: Timestamp,
    ) -> EventRow {
        let user = user.and_then(|user| UserId::new(user).ok());
        let (web, device) = match client {
            Client::Web(client) => (Some(&client.client_id), None),
            Client::Installation { device, .. } => (None, Some(&device.id)),
        };
        let concerning: Concerning<'_> = Concerning {
            client: web as Option<&ClientId>,
            user: user.as_ref(),
            device: device as Option<&DeviceId>,
            ..Concerning::default()
        };
        event(event_type, concerning, now, self.0.base.random.as_ref())
    }
}
