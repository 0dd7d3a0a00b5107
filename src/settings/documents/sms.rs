use serde::{Deserialize, Serialize};
use url::Url;

use super::fields::{absent, read_credentials, required, write_credentials};
use super::secrets::{SecretReader, SecretWriter};
use crate::settings::problem::Problem;
use crate::settings::types::SmsConfiguration;

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Gateway {
    Twilio,
    Http,
}

/// The document of the [`SmsConfiguration`]. The gateway determines which fields it has.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct SmsDocument {
    gateway: Gateway,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoint: Option<Url>,
}

impl SmsDocument {
    pub(super) fn write(gateway: &SmsConfiguration, secrets: &dyn SecretWriter) -> Self {
        let mut document = Self {
            gateway: Gateway::Twilio,
            account_sid: None,
            auth_token: None,
            from_number: None,
            username: None,
            password: None,
            endpoint: None,
        };

        match gateway {
            SmsConfiguration::Twilio {
                account_sid,
                auth_token,
                from_number,
                endpoint,
            } => {
                document.account_sid = Some(account_sid.clone());
                document.auth_token = Some(secrets.secret("auth_token", auth_token));
                document.from_number = Some(from_number.clone());
                document.endpoint.clone_from(endpoint);
            }
            SmsConfiguration::Http {
                endpoint,
                credentials,
            } => {
                document.gateway = Gateway::Http;
                document.endpoint = Some(endpoint.clone());
                (document.username, document.password) =
                    write_credentials(credentials.as_ref(), secrets);
            }
        }

        document
    }

    pub(in crate::settings) fn read(
        self,
        secrets: &dyn SecretReader,
    ) -> Result<SmsConfiguration, Problem> {
        match self.gateway {
            Gateway::Twilio => {
                let context = "with Twilio";
                // A field of the other gateway means that the wrong one is configured.
                absent("username", self.username.as_ref(), context)?;
                absent("password", self.password.as_ref(), context)?;
                let auth_token = required("auth_token", self.auth_token, context)?;

                Ok(SmsConfiguration::Twilio {
                    account_sid: required("account_sid", self.account_sid, context)?,
                    auth_token: secrets.secret("auth_token", &auth_token)?,
                    from_number: required("from_number", self.from_number, context)?,
                    endpoint: self.endpoint,
                })
            }
            Gateway::Http => {
                let context = "with your own gateway";
                absent("account_sid", self.account_sid.as_ref(), context)?;
                absent("auth_token", self.auth_token.as_ref(), context)?;
                absent("from_number", self.from_number.as_ref(), context)?;

                Ok(SmsConfiguration::Http {
                    endpoint: required("endpoint", self.endpoint, context)?,
                    credentials: read_credentials(
                        self.username,
                        self.password.as_deref(),
                        secrets,
                    )?,
                })
            }
        }
    }
}
