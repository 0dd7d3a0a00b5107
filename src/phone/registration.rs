//! Registering a device as an OAuth client (RFC 7591) and unregistering it (RFC 7592).

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::connection::Connection;
use super::device::{Phone, new_key};
use super::error::PhoneError;
use super::saved::Saved;
use crate::ids::DeviceId;
use crate::jose::PublicJwk;
use crate::secret::SecretString;

/// How a device describes itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhoneProfile {
    pub software_id: String,
    /// A version that is configured for the platform.
    pub software_version: String,
    /// `ios` or `android`.
    pub platform: String,
    /// The user's name for the phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// The manufacturer's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_model: Option<String>,
    /// The operating system's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
}

impl PhoneProfile {
    /// A profile with the required members only.
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

    /// Sets the user's name for the phone.
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
    /// Generates the device's key pair and registers it.
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

    /// Removes the device from the server, with the keys and push enrolments of all its users.
    pub async fn unregister(&self) -> Result<(), PhoneError> {
        let token = self.0.saved.lock().registration_access_token.clone();
        let path = format!("/oauth/register/{}", self.device_id());
        let request = self
            .0
            .connection
            .bearer_request(Method::DELETE, &path, &token)?;
        self.0.connection.body(request).await.map(drop)
    }
}
