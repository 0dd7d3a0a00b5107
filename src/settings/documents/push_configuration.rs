use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::fields::required;
use super::secrets::{SecretReader, SecretWriter};
use crate::push::{CredentialField, CredentialForm, PushService};
use crate::secret::SecretString;
use crate::settings::problem::Problem;
use crate::settings::types::{Platform, PushConfiguration};

/// The document of a [`PushConfiguration`]. The platform determines which credentials it has.
#[derive(Deserialize, Serialize)]
pub(in crate::settings) struct PushConfigurationDocument {
    name: String,
    platform: Platform,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoint: Option<Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca_certificate: Option<String>,
    /// Whatever else is written. [`Self::read`] refuses what the service does not have.
    #[serde(flatten)]
    credentials: BTreeMap<String, Value>,
}

impl PushConfigurationDocument {
    pub(super) fn write(configuration: &PushConfiguration, secrets: &dyn SecretWriter) -> Self {
        let PushConfiguration {
            name,
            platform,
            service,
            credentials,
            endpoint,
            ca_certificate,
        } = configuration;

        let write = |field: &CredentialField| {
            let value = credentials.get(field.name);
            let written = match field.form {
                CredentialForm::Name => value.to_owned(),
                CredentialForm::Secret { .. } => {
                    secrets.secret(field.name, &SecretString::new(value.to_owned()))
                }
            };

            (field.name.to_owned(), Value::String(written))
        };

        Self {
            name: name.clone(),
            platform: *platform,
            endpoint: endpoint.clone(),
            ca_certificate: ca_certificate.clone(),
            credentials: service.credentials.iter().map(write).collect(),
        }
    }

    pub(in crate::settings) fn read(
        mut self,
        secrets: &dyn SecretReader,
    ) -> Result<PushConfiguration, Problem> {
        let ca_certificate = self
            .ca_certificate
            .as_deref()
            .map(|written| secrets.text("ca_certificate", written))
            .transpose()?;

        let context = format!("for {}", self.platform.as_str());
        // Each platform has one push service, so the file need not name it.
        let service = PushService::of_platform(self.platform)
            .ok_or_else(|| Problem::new("platform", "has no push service"))?;

        // serde cannot refuse unknown fields beside a flattened map, so this does.
        let is_known = |name: &String| service.credentials.iter().any(|field| field.name == name);
        if let Some(name) = self.credentials.keys().find(|name| !is_known(name)) {
            return Err(Problem::new(name, format!("is not allowed {context}")));
        }

        let read = |field: &'static CredentialField| {
            let written = required(field.name, self.credentials.remove(field.name), &context)?;
            let Value::String(written) = written else {
                return Err(Problem::new(field.name, "must be text"));
            };
            let value = match field.form {
                CredentialForm::Name => SecretString::new(written),
                CredentialForm::Secret { .. } => secrets.secret(field.name, &written)?,
            };
            Ok((field.name, value))
        };

        let credentials = service
            .credentials
            .iter()
            .map(read)
            .collect::<Result<_, _>>()?;

        Ok(PushConfiguration {
            name: self.name,
            platform: self.platform,
            service,
            credentials,
            endpoint: self.endpoint,
            ca_certificate,
        })
    }
}
