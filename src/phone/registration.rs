//! An installation makes its key pair and registers as an OAuth client (RFC 7591); it unregisters
//! with RFC 7592.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::connection::Connection;
use super::error::PhoneError;
use super::saved::Saved;
use super::{Phone, new_key};
use crate::ids::DeviceId;
use crate::jose::PublicJwk;
use crate::secret::SecretString;

/// What an installation says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhoneProfile {
    pub software_id: String,
    /// Its version, one that is configured for the platform.
    pub software_version: String,
    /// `ios` or `android`.
    pub platform: String,
    /// As the user calls the phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// As the maker calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_model: Option<String>,
    /// The operating system's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
}

impl PhoneProfile {
    /// The required part; the phone has no name.
    #[must_use]
    pub fn new(software_id: &str, software_version: &str, platform: &str) -> Self {
        Self {
            software_id: software_id.to_owned(),
            software_version: software_version.to_owned(),
            platform: platform.to_owned(),
            device_name: None,
            device_model: None,
            os_version: None,
        }
    }

    /// Gives the phone a name.
    #[must_use]
    pub fn named(self, device_name: &str) -> Self {
        Self {
            device_name: Some(device_name.to_owned()),
            ..self
        }
    }
}

/// The client metadata of RFC 7591 §2.
#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(flatten)]
    profile: &'a PhoneProfile,
    token_endpoint_auth_method: &'static str,
    jwks: Jwks<'a>,
}

#[derive(Serialize)]
struct Jwks<'a> {
    keys: [&'a PublicJwk; 1],
}

#[derive(Deserialize)]
struct Registered {
    client_id: DeviceId,
    registration_access_token: SecretString,
}

impl Phone {
    /// Makes the installation's key and registers it.
    pub async fn register(
        connection: Connection,
        profile: &PhoneProfile,
    ) -> Result<Self, PhoneError> {
        let key = new_key(&connection)?;

        let metadata = Metadata {
            profile,
            token_endpoint_auth_method: "private_key_jwt",
            jwks: Jwks {
                keys: [key.public()],
            },
        };
        let request = connection.request(Method::POST, "/oauth/register")?;
        let registered: Registered = connection.json(request.json(&metadata)).await?;
        let saved = Saved {
            server: connection.base_url().clone(),
            device_id: registered.client_id,
            registration_access_token: registered.registration_access_token,
            key,
            users: BTreeMap::new(),
        };
        Ok(Self::from_saved(connection, saved))
    }

    /// Removes the installation from the server, and with it all its users' keys and push
    /// enrolments.
    pub async fn unregister(&self) -> Result<(), PhoneError> {
        let token = self.0.saved.lock().registration_access_token.clone();
        let path = format!("/oauth/register/{}", self.device_id());
        let request = self.0.connection.request(Method::DELETE, &path)?;
        self.0
            .connection
            .body(request.bearer_auth(token.expose()))
            .await
            .map(drop)
    }
}
