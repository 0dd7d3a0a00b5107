use serde::{Deserialize, Serialize};
use url::Url;

use super::{Conceal, Problem, Reveal, absent, credentials, required};
use crate::settings::SmsConfiguration;

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Gateway {
    Twilio,
    Http,
}

/// The [`SmsConfiguration`] as written. The gateway decides which fields belong to it.
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
    pub(super) fn write(gateway: &SmsConfiguration, conceal: &dyn Conceal) -> Self {
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
                document.auth_token = Some(conceal.secret("auth_token", auth_token));
                document.from_number = Some(from_number.clone());
                document.endpoint.clone_from(endpoint);
            }
            SmsConfiguration::Http {
                endpoint,
                credentials,
            } => {
                document.gateway = Gateway::Http;
                document.endpoint = Some(endpoint.clone());
                if let Some((username, password)) = credentials {
                    document.username = Some(username.clone());
                    document.password = Some(conceal.secret("password", password));
                }
            }
        }

        document
    }

    pub(in crate::settings) fn read(
        self,
        reveal: &dyn Reveal,
    ) -> Result<SmsConfiguration, Problem> {
        match self.gateway {
            Gateway::Twilio => {
                let why = "with Twilio";
                absent("username", self.username.as_ref(), why)?;
                absent("password", self.password.as_ref(), why)?;
                let auth_token = required("auth_token", self.auth_token, why)?;
                Ok(SmsConfiguration::Twilio {
                    account_sid: required("account_sid", self.account_sid, why)?,
                    auth_token: reveal.secret("auth_token", &auth_token)?,
                    from_number: required("from_number", self.from_number, why)?,
                    endpoint: self.endpoint,
                })
            }
            Gateway::Http => {
                let why = "with a gateway of one's own";
                absent("account_sid", self.account_sid.as_ref(), why)?;
                absent("auth_token", self.auth_token.as_ref(), why)?;
                absent("from_number", self.from_number.as_ref(), why)?;
                Ok(SmsConfiguration::Http {
                    endpoint: required("endpoint", self.endpoint, why)?,
                    credentials: credentials(self.username, self.password.as_deref(), reveal)?,
                })
            }
        }
    }
}
