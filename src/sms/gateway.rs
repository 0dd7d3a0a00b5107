//! Sends through the configured gateway.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::Client;

use super::types::{SmsMessage, SmsSender};
use super::{http_gateway, twilio};
use crate::egress::{Egress, InvalidEgress, ProviderFailure};
use crate::settings::SmsConfiguration;

/// The server's [`SmsSender`]. All messages share its connections, whatever the configuration.
#[derive(Clone, Debug)]
pub struct GatewaySms {
    client: Client,
}

impl GatewaySms {
    /// # Errors
    /// When no HTTP client can be built from these settings.
    pub fn new(egress: &Egress) -> Result<Self, InvalidEgress> {
        Ok(Self {
            client: egress.client(None)?,
        })
    }

    async fn send_by(
        &self,
        gateway: &SmsConfiguration,
        message: &SmsMessage,
    ) -> Result<(), ProviderFailure> {
        match gateway {
            SmsConfiguration::Twilio {
                account_sid,
                auth_token,
                from_number,
                endpoint,
            } => {
                let account = twilio::Account {
                    sid: account_sid,
                    auth_token,
                    from_number,
                    endpoint: endpoint.as_ref(),
                };

                twilio::send(&self.client, &account, message).await
            }
            SmsConfiguration::Http {
                endpoint,
                credentials,
            } => http_gateway::send(&self.client, endpoint, credentials.as_ref(), message).await,
        }
    }
}

impl SmsSender for GatewaySms {
    fn send<'a>(
        &'a self,
        gateway: &'a SmsConfiguration,
        message: &'a SmsMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>> {
        self.send_by(gateway, message).boxed()
    }
}
