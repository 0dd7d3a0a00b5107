//! Clients that prove with their key who they are: API clients so configured, and every installation.

use super::super::TokenServer;
use super::super::error::OAuthError;
use super::{ClientError, Credentials};
use crate::devices::Device;
use crate::ids::DeviceId;
use crate::jose::{PublicJwk, assertion};
use crate::secret::TokenKind;
use crate::store::rows::AssertionIdRow;

/// An installation whose assertion verifies. Whether the assertion is new is decided together with what it is used for.
pub(in crate::oauth) struct AuthenticatedInstallation {
    /// The installation; its version is not disabled.
    pub(in crate::oauth) device: Device,
    /// To be recorded in the same commit as what the assertion is used for.
    pub(in crate::oauth) assertion: AssertionIdRow,
}

impl TokenServer {
    /// Finds out which installation this is.
    pub(in crate::oauth) async fn authenticate_installation(
        &self,
        credentials: &Credentials,
    ) -> Result<AuthenticatedInstallation, OAuthError> {
        let device = match DeviceId::new(credentials.client_id()) {
            Ok(id) => self.0.devices.find(&id).await?,
            Err(_) => None,
        };
        let (Some(device), Credentials::Assertion { client_id, assertion }) = (device, credentials) else {
            return Err(self.refuse_other_client(credentials).await);
        };
        let assertion = self
            .verify_assertion(&device.public_key, client_id, assertion.expose())
            .map_err(|_| OAuthError::InvalidClient)?;
        if device.enabled_version(&self.0.settings.load()).is_none() {
            return Err(OAuthError::UnauthorizedClient("This version of the application is disabled: upgrade it."));
        }
        Ok(AuthenticatedInstallation { device, assertion })
    }

    /// API clients authenticate with every call and have no use for tokens; who is not even one hears that first.
    async fn refuse_other_client(&self, credentials: &Credentials) -> OAuthError {
        match self.authenticate_api_client(credentials).await {
            Ok(_) => OAuthError::UnauthorizedClient("Tokens are issued to installations of mobile applications."),
            Err(ClientError::Unavailable) => OAuthError::Unavailable,
            Err(ClientError::Missing | ClientError::Malformed | ClientError::Invalid) => OAuthError::InvalidClient,
        }
    }

    /// Verifies an assertion by the client of this key, for the token endpoint or the server as a whole.
    pub(super) fn verify_assertion(
        &self,
        key: &PublicJwk,
        client_id: &str,
        compact: &str,
    ) -> Result<AssertionIdRow, ClientError> {
        let audiences = [self.0.issuer.as_str(), self.0.token_endpoint.as_str()];
        let verified = assertion::verify(key, compact, client_id, &audiences, self.0.clock.now()).map_err(|error| {
            tracing::debug!(%client_id, %error, "a client assertion was refused");
            ClientError::Invalid
        })?;
        Ok(AssertionIdRow {
            client_id: client_id.to_owned(),
            jti_hash: self.0.keyring.token_hash(TokenKind::AssertionId, &verified.jti).to_vec(),
            // Nodes need not agree on the time to the second.
            expires_at: verified.expires_at.after(assertion::LEEWAY).as_millis(),
        })
    }
}
