use serde::{Deserialize, Serialize};
use url::Url;

use super::{Conceal, Problem, Reveal, absent, required};
use crate::settings::{Platform, PushConfiguration, PushProvider};

/// A [`PushConfiguration`] as written. The platform decides which credentials belong to it.
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
    pub(super) fn write(configuration: &PushConfiguration, conceal: &dyn Conceal) -> Self {
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
                document.auth_key = Some(conceal.secret("auth_key", auth_key));
            }
            PushProvider::Fcm { service_account } => {
                document.platform = Platform::Android;
                document.service_account = Some(conceal.secret("service_account", service_account));
            }
        }

        document
    }

    pub(in crate::settings) fn read(
        self,
        reveal: &dyn Reveal,
    ) -> Result<PushConfiguration, Problem> {
        let ca_certificate = self
            .ca_certificate
            .as_deref()
            .map(|written| reveal.text("ca_certificate", written))
            .transpose()?;

        let provider = match self.platform {
            Platform::Ios => {
                let why = "for ios";
                absent("service_account", self.service_account.as_ref(), why)?;
                let auth_key = required("auth_key", self.auth_key, why)?;
                PushProvider::Apns {
                    team_id: required("team_id", self.team_id, why)?,
                    key_id: required("key_id", self.key_id, why)?,
                    auth_key: reveal.secret("auth_key", &auth_key)?,
                }
            }
            Platform::Android => {
                let why = "for android";
                absent("auth_key", self.auth_key.as_ref(), why)?;
                absent("team_id", self.team_id.as_ref(), why)?;
                absent("key_id", self.key_id.as_ref(), why)?;
                let written = required("service_account", self.service_account, why)?;
                PushProvider::Fcm {
                    service_account: reveal.secret("service_account", &written)?,
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
