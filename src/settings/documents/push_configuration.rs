use serde::{Deserialize, Serialize};
use url::Url;

use super::fields::{absent, required};
use super::secrets::{SecretReader, SecretWriter};
use crate::settings::problem::Problem;
use crate::settings::types::{Platform, PushConfiguration, PushProvider};

/// The document of a [`PushConfiguration`]. The platform determines which credentials it has.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct PushConfigurationDocument {
    name: String,
    platform: Platform,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    team_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoint: Option<Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca_certificate: Option<String>,
}

impl PushConfigurationDocument {
    pub(super) fn write(configuration: &PushConfiguration, secrets: &dyn SecretWriter) -> Self {
        let mut document = Self {
            name: configuration.name.clone(),
            platform: Platform::Ios,
            team_id: None,
            key_id: None,
            auth_key: None,
            service_account: None,
            endpoint: configuration.endpoint.clone(),
            ca_certificate: configuration.ca_certificate.clone(),
        };

        match &configuration.provider {
            PushProvider::Apns {
                team_id,
                key_id,
                auth_key,
            } => {
                document.team_id = Some(team_id.clone());
                document.key_id = Some(key_id.clone());
                document.auth_key = Some(secrets.secret("auth_key", auth_key));
            }
            PushProvider::Fcm { service_account } => {
                document.platform = Platform::Android;
                document.service_account = Some(secrets.secret("service_account", service_account));
            }
        }

        document
    }

    pub(in crate::settings) fn read(
        self,
        secrets: &dyn SecretReader,
    ) -> Result<PushConfiguration, Problem> {
        let ca_certificate = self
            .ca_certificate
            .as_deref()
            .map(|written| secrets.text("ca_certificate", written))
            .transpose()?;

        let provider = match self.platform {
            Platform::Ios => {
                let context = "for ios";
                absent("service_account", self.service_account.as_ref(), context)?;
                let auth_key = required("auth_key", self.auth_key, context)?;
                PushProvider::Apns {
                    team_id: required("team_id", self.team_id, context)?,
                    key_id: required("key_id", self.key_id, context)?,
                    auth_key: secrets.secret("auth_key", &auth_key)?,
                }
            }
            Platform::Android => {
                let context = "for android";
                absent("auth_key", self.auth_key.as_ref(), context)?;
                absent("team_id", self.team_id.as_ref(), context)?;
                absent("key_id", self.key_id.as_ref(), context)?;
                let written = required("service_account", self.service_account, context)?;
                PushProvider::Fcm {
                    service_account: secrets.secret("service_account", &written)?,
                }
            }
        };

        Ok(PushConfiguration {
            name: self.name,
            provider,
            endpoint: self.endpoint,
            ca_certificate,
        })
    }
}
