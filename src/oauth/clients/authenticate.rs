//! The clients of the authorization and token endpoints: which one is it?

use std::sync::Arc;

use super::super::TokenServer;
use super::super::error::OAuthError;
use super::super::persist;
use super::{Client, ClientError, Credentials, is_secret_of};
use crate::devices::Device;
use crate::ids::{ClientId, DeviceId};
use crate::jose::PublicJwk;
use crate::settings::{ClientCredential, WebClient};
use crate::store::rows::AssertionIdRow;

/// A client that has proved who it is. Whether what it proved it with is new is decided together
/// with what it is used for.
pub(in crate::oauth) struct AuthenticatedClient {
    pub(in crate::oauth) client: Client,
    /// To be recorded in the same commit as what the request does.
    pub(in crate::oauth) assertions: Vec<AssertionIdRow>,
}

impl TokenServer {
    /// Finds out which client this is.
    pub(in crate::oauth) async fn authenticate_client(
        &self,
        credentials: &Credentials,
    ) -> Result<AuthenticatedClient, OAuthError> {
        if let Some(client) = self.web_client(credentials.client_id()) {
            return self.authenticate_web_client(client, credentials);
        }
        match (
            self.installation(credentials.client_id()).await?,
            credentials,
        ) {
            (
                Some(device),
                Credentials::Assertion {
                    client_id,
                    assertion,
                },
            ) => {
                let assertion = self
                    .verify_assertion(&device.public_key, client_id, assertion.expose())
                    .map_err(|_| OAuthError::InvalidClient)?;
                let client = Client::installation(device, &self.0.base.settings.load());
                Ok(AuthenticatedClient {
                    client: client.ok_or(VERSION_DISABLED)?,
                    assertions: vec![assertion],
                })
            }
            _ => Err(self.refuse_other_client(credentials).await),
        }
    }

    /// The client of this id, which has proved nothing yet. `None` too where it may not go on.
    pub(in crate::oauth) async fn find_client(
        &self,
        client_id: &str,
    ) -> Result<Option<Client>, OAuthError> {
        if let Some(client) = self.web_client(client_id) {
            return Ok(Some(Client::Web(client)));
        }
        let device = self.installation(client_id).await?;
        Ok(device.and_then(|device| Client::installation(device, &self.0.base.settings.load())))
    }

    fn web_client(&self, client_id: &str) -> Option<Arc<WebClient>> {
        self.0
            .base
            .settings
            .load()
            .web_clients
            .get(&ClientId::new(client_id).ok()?)
            .cloned()
    }

    async fn installation(&self, client_id: &str) -> Result<Option<Device>, OAuthError> {
        match DeviceId::new(client_id) {
            Ok(id) => Ok(self.0.devices.find(&id).await?),
            Err(_) => Ok(None),
        }
    }

    fn authenticate_web_client(
        &self,
        client: Arc<WebClient>,
        credentials: &Credentials,
    ) -> Result<AuthenticatedClient, OAuthError> {
        let assertions = match (&client.credential, credentials) {
            (Some(credential), Credentials::Secret { client_secret, .. })
                if is_secret_of(Some(credential), client_secret) =>
            {
                Vec::new()
            }
            (
                Some(ClientCredential::PublicKey(jwk)),
                Credentials::Assertion {
                    client_id,
                    assertion,
                },
            ) => {
                let key = PublicJwk::from_json(jwk).map_err(|_| OAuthError::InvalidClient)?;
                let used = self.verify_assertion(&key, client_id, assertion.expose());
                vec![used.map_err(|_| OAuthError::InvalidClient)?]
            }
            (None, Credentials::Public { .. }) => Vec::new(),
            _ => return Err(OAuthError::InvalidClient),
        };
        Ok(AuthenticatedClient {
            client: Client::Web(client),
            assertions,
        })
    }

    /// API clients authenticate with every call and have no use for tokens; who is not even one
    /// hears that first.
    async fn refuse_other_client(&self, credentials: &Credentials) -> OAuthError {
        match self.authenticate_api_client(credentials).await {
            Ok(_) => OAuthError::UnauthorizedClient(
                "Tokens are issued to web clients and installations.",
            ),
            Err(ClientError::Unavailable) => OAuthError::Unavailable,
            Err(ClientError::Missing | ClientError::Malformed | ClientError::Invalid) => {
                OAuthError::InvalidClient
            }
        }
    }

    /// Records what a request used that came to nothing else.
    pub(in crate::oauth) async fn use_up(
        &self,
        assertions: Vec<AssertionIdRow>,
    ) -> Result<(), OAuthError> {
        if assertions.is_empty() || persist::use_assertions(&self.0.base.store, assertions).await? {
            Ok(())
        } else {
            Err(OAuthError::InvalidClient)
        }
    }
}

const VERSION_DISABLED: OAuthError =
    OAuthError::UnauthorizedClient("This version of the application is disabled: upgrade it.");
