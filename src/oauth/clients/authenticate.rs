//! Which client a request is from.

use std::sync::Arc;

use super::assertion::Assertions;
use super::client::Client;
use super::credentials::Credentials;
use super::error::ClientError;
use super::jwks::PublishedKeys;
use super::secret;
use crate::base::Base;
use crate::devices::{Device, Devices};
use crate::egress::Documents;
use crate::ids::{ClientId, DeviceId};
use crate::jose::ClientKey;
use crate::jose::dpop::DpopExpectation;
use crate::oauth::error::OAuthError;
use crate::oauth::issuer::Issuer;
use crate::oauth::model::UsedAssertions;
use crate::oauth::{dpop, replay};
use crate::secret::SecretString;
use crate::settings::{ApiClient, ClientCredential, WebClient};
use crate::store::StoreError;

const VERSION_DISABLED: OAuthError =
    OAuthError::UnauthorizedClient("This version of the application is disabled: upgrade it.");

/// A client that has proved who it is.
pub(crate) struct AuthenticatedClient {
    pub(crate) client: Client,
    /// Still to be recorded, best in the same commit as what the request does: until then the same
    /// assertion may have come with another request.
    pub(crate) used: UsedAssertions,
    /// The thumbprint of the key that the request proves, if it proves one (RFC 9449).
    pub(crate) jkt: Option<String>,
}

/// All clients: those that are configured, and devices.
pub struct Clients {
    base: Base,
    devices: Devices,
    issuer: Issuer,
    assertions: Assertions,
    published_keys: PublishedKeys,
}

impl Clients {
    pub(crate) fn new(base: &Base, devices: Devices, issuer: Issuer, documents: Documents) -> Self {
        Self {
            base: base.clone(),
            devices,
            assertions: Assertions::new(&issuer),
            published_keys: PublishedKeys::new(documents, base.clock.clone()),
            issuer,
        }
    }

    /// Finds out which API client this is. A secret is compared without asking the database; an
    /// assertion is used up.
    pub async fn authenticate_api_client(
        &self,
        credentials: &Credentials,
    ) -> Result<Arc<ApiClient>, ClientError> {
        let settings = self.base.settings.load();

        match credentials {
            Credentials::Secret { client_secret, .. } => {
                let id = credentials
                    .client_id_among(|id| secret::find_api_client(&settings, id).is_some());
                let client = secret::verify_api_client(&settings, id, client_secret);
                client.ok_or_else(|| refused(id, "no client has this id and secret"))
            }
            Credentials::Assertion {
                client_id,
                assertion,
            } => {
                let client = secret::find_api_client(&settings, client_id)
                    .ok_or_else(|| refused(client_id, "no client has this id"))?;
                let used = self
                    .verify_configured(&client.credentials, client_id, assertion)
                    .await?;
                if !replay::record(&self.base.store, used).await? {
                    return Err(refused(client_id, "its assertion was used before"));
                }

                Ok(client)
            }
            // An API client always has a credential.
            Credentials::Public { .. } => Err(ClientError::Missing),
        }
    }

    /// Finds out which client this is.
    pub(crate) async fn authenticate(
        &self,
        credentials: &Credentials,
    ) -> Result<AuthenticatedClient, OAuthError> {
        let id = credentials.client_id_among(|id| self.web_client(id).is_some());
        if let Some(client) = self.web_client(id) {
            return self.authenticate_web_client(client, credentials).await;
        }

        let device = self.find_device(credentials.client_id()).await?;
        match (device, credentials) {
            (Some(device), Credentials::Assertion { assertion, .. }) => {
                self.authenticate_device(device, assertion)
            }
            _ => Err(self.refuse(credentials).await),
        }
    }

    /// Finds out which client sends a request to `endpoint`, and which key it proves.
    pub(crate) async fn authenticate_with_proof(
        &self,
        credentials: &Credentials,
        proof: Option<&SecretString>,
        endpoint: &str,
    ) -> Result<AuthenticatedClient, OAuthError> {
        let Some(proof) = proof else {
            return self.authenticate(credentials).await;
        };

        // Verified first: it costs no read of the database.
        let expected = DpopExpectation {
            method: "POST",
            url: &self.issuer.at(endpoint),
            access_token: None,
            now: self.base.clock.now(),
        };

        let key = dpop::verify(&self.base, proof.expose(), &expected)?;

        let mut authenticated = self.authenticate(credentials).await?;
        authenticated.used.extend(key.used);
        authenticated.jkt = Some(key.jkt);

        Ok(authenticated)
    }

    /// The client of this id, which has proved nothing yet. `None` also where its version is
    /// disabled.
    pub(crate) async fn find(&self, client_id: &str) -> Result<Option<Client>, StoreError> {
        if let Some(client) = self.web_client(client_id) {
            return Ok(Some(Client::Web(client)));
        }

        let device = self.find_device(client_id).await?;
        Ok(device.and_then(|device| Client::device(device, &self.base.settings.load())))
    }

    /// The device of this client id, whatever its version.
    pub(crate) async fn find_device(&self, client_id: &str) -> Result<Option<Device>, StoreError> {
        match DeviceId::new(client_id) {
            Ok(id) => self.devices.find(&id).await,
            Err(_) => Ok(None),
        }
    }

    /// Whether this is the id of a client of any kind. A token's `sub` would stand for it and for a user
    /// of the same id alike.
    pub(crate) async fn is_client_id(&self, id: &str) -> Result<bool, StoreError> {
        let settings = self.base.settings.load();
        let is_configured = ClientId::new(id).is_ok_and(|id| {
            settings.api_clients.contains_key(&id) || settings.web_clients.contains_key(&id)
        });

        Ok(is_configured || self.find_device(id).await?.is_some())
    }

    /// Records what a request used that writes nothing else.
    pub(crate) async fn use_up(&self, used: UsedAssertions) -> Result<(), OAuthError> {
        if replay::record(&self.base.store, used).await? {
            Ok(())
        } else {
            Err(replay::refused())
        }
    }

    fn web_client(&self, client_id: &str) -> Option<Arc<WebClient>> {
        let client_id = ClientId::new(client_id).ok()?;
        self.base
            .settings
            .load()
            .web_clients
            .get(&client_id)
            .cloned()
    }

    async fn authenticate_web_client(
        &self,
        client: Arc<WebClient>,
        credentials: &Credentials,
    ) -> Result<AuthenticatedClient, OAuthError> {
        let known = &client.credentials;
        let used = match credentials {
            Credentials::Secret { client_secret, .. } if secret::verify(known, client_secret) => {
                UsedAssertions::default()
            }
            Credentials::Assertion {
                client_id,
                assertion,
            } if !known.is_empty() => self.verify_configured(known, client_id, assertion).await?,
            // Only where none is configured: a client that has a credential cannot get around it by
            // leaving it out.
            Credentials::Public { .. } if known.is_empty() => UsedAssertions::default(),
            _ => {
                let reason = "its secret is wrong, or it authenticates in another way";
                return Err(refused(credentials.client_id(), reason).into());
            }
        };

        Ok(AuthenticatedClient {
            client: Client::Web(client),
            used,
            jkt: None,
        })
    }

    fn authenticate_device(
        &self,
        device: Device,
        assertion: &SecretString,
    ) -> Result<AuthenticatedClient, OAuthError> {
        // Before its version is looked at: nobody but the device itself is told to upgrade.
        let key = ClientKey::try_from(device.public_key).map_err(|_| OAuthError::InvalidClient)?;
        let used = self.verify(&[key], device.id.as_str(), assertion)?;
        let client = Client::device(device, &self.base.settings.load());

        Ok(AuthenticatedClient {
            client: client.ok_or(VERSION_DISABLED)?,
            used,
            jkt: None,
        })
    }

    /// Verifies an assertion by the keys that a client is configured with. No header chooses one.
    async fn verify_configured(
        &self,
        credentials: &[ClientCredential],
        client_id: &str,
        assertion: &SecretString,
    ) -> Result<UsedAssertions, ClientError> {
        let address = credentials.iter().find_map(|credential| match credential {
            ClientCredential::KeysAt(address) => Some(address),
            ClientCredential::PublicKey(_) | ClientCredential::SecretHash(_) => None,
        });
        if let Some(address) = address {
            return self.verify_published(address, client_id, assertion).await;
        }

        let keys: Vec<ClientKey> = credentials
            .iter()
            .filter_map(|credential| match credential {
                ClientCredential::PublicKey(jwk) => ClientKey::from_json(jwk).ok(),
                ClientCredential::KeysAt(_) | ClientCredential::SecretHash(_) => None,
            })
            .collect();

        // A client with a secret has no key, so the assertion is not its own.
        if keys.is_empty() {
            return Err(refused(client_id, "it has a secret, and sent an assertion"));
        }

        self.verify(&keys, client_id, assertion)
    }

    /// Verifies an assertion by the keys that a client publishes, which it may have rotated.
    async fn verify_published(
        &self,
        address: &str,
        client_id: &str,
        assertion: &SecretString,
    ) -> Result<UsedAssertions, ClientError> {
        let keys = self.published_keys.at(address).await;
        let verdict = self.verify(&keys, client_id, assertion);
        if verdict.is_ok() {
            return verdict;
        }

        match self.published_keys.newer_than(&keys, address).await {
            Some(newer) => self.verify(&newer, client_id, assertion),
            None => verdict,
        }
    }

    fn verify(
        &self,
        keys: &[ClientKey],
        client_id: &str,
        assertion: &SecretString,
    ) -> Result<UsedAssertions, ClientError> {
        let Base { keyring, clock, .. } = &self.base;

        self.assertions
            .verify(keyring, keys, client_id, assertion.expose(), clock.now())
    }

    /// An API client has no use for tokens and is told so; anybody else is told that the client is
    /// unknown.
    async fn refuse(&self, credentials: &Credentials) -> OAuthError {
        match self.authenticate_api_client(credentials).await {
            Ok(_) => {
                OAuthError::UnauthorizedClient("Tokens are issued to web clients and devices.")
            }
            Err(error) => error.into(),
        }
    }
}

/// Logs why a client was not recognised, which it is not told: the reason would help whoever guesses.
fn refused(client_id: &str, reason: &'static str) -> ClientError {
    // Whoever asks has made the id up: it may be long, and look like another line.
    let client_id: String = client_id.chars().take(64).collect();
    tracing::info!(?client_id, reason, "a client was not authenticated");

    ClientError::Invalid
}
