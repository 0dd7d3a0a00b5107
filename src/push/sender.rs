//! Sends by whichever service a destination's configuration names.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::access_token::ServiceAccount;
use super::apns::Apns;
use super::fcm::Fcm;
use super::provider_token::{AuthKey, ProviderTokens};
use super::{PushDestination, PushMessage, PushSender};
use crate::clock::Clock;
use crate::egress::{Egress, ProviderFailure};
use crate::settings::{PushConfiguration, PushProvider};

/// Configurations with connections of their own. Beyond that all are forgotten and made again when
/// used.
const CONFIGURATIONS_MAX: usize = 64;

/// The [`PushSender`] of the server. Keeps connections and tokens for each configuration, until
/// that changes.
pub struct ProviderPush {
    egress: Egress,
    clock: Clock,
    provider_tokens: ProviderTokens,
    services: Mutex<HashMap<String, Entry>>,
}

#[derive(Clone)]
struct Entry {
    configuration: Arc<PushConfiguration>,
    service: Arc<OnceCell<Service>>,
}

enum Service {
    Apns(Box<Apns>),
    Fcm(Box<Fcm>),
}

impl ProviderPush {
    /// Connects when it first sends.
    #[must_use]
    pub fn new(egress: Egress, clock: Clock) -> Self {
        Self {
            egress,
            clock,
            provider_tokens: ProviderTokens::default(),
            services: Mutex::default(),
        }
    }

    async fn send_by_service(
        &self,
        to: &PushDestination,
        message: &PushMessage,
    ) -> Result<(), ProviderFailure> {
        let entry = self.entry(&to.configuration);
        match entry
            .service
            .get_or_try_init(|| self.connect(&entry.configuration))
            .await?
        {
            Service::Apns(apns) => apns.send(to, message).await,
            Service::Fcm(fcm) => fcm.send(to, message).await,
        }
    }

    fn entry(&self, configuration: &Arc<PushConfiguration>) -> Entry {
        let mut services = self.services.lock();
        if let Some(entry) = services.get_mut(&configuration.name) {
            if Arc::ptr_eq(&entry.configuration, configuration) {
                return entry.clone();
            }
            // Settings that were read anew mostly say the same.
            if entry.configuration == *configuration {
                entry.configuration = Arc::clone(configuration);
                return entry.clone();
            }
        } else if services.len() >= CONFIGURATIONS_MAX {
            services.clear();
        }
        let entry = Entry {
            configuration: Arc::clone(configuration),
            service: Arc::default(),
        };
        services.insert(configuration.name.clone(), entry.clone());
        entry
    }

    async fn connect(
        &self,
        configuration: &Arc<PushConfiguration>,
    ) -> Result<Service, ProviderFailure> {
        let provider = match configuration.provider {
            PushProvider::Apns { .. } => "apns",
            PushProvider::Fcm { .. } => "fcm",
        };
        let (egress, clock, tokens) = (
            self.egress.clone(),
            self.clock.clone(),
            self.provider_tokens.clone(),
        );
        let configuration = Arc::clone(configuration);
        // Reads the system's trust anchors from disk.
        tokio::task::spawn_blocking(move || build(&egress, clock, tokens, &configuration, provider))
            .await
            .unwrap_or_else(|_| {
                Err(ProviderFailure::configuration(
                    provider,
                    "client cannot be built",
                ))
            })
    }
}

fn build(
    egress: &Egress,
    clock: Clock,
    tokens: ProviderTokens,
    configuration: &PushConfiguration,
    provider: &'static str,
) -> Result<Service, ProviderFailure> {
    let builder = egress
        .builder(configuration.ca_certificate.as_deref())
        .map_err(|_| {
            ProviderFailure::configuration(provider, "CA certificate or proxy is not usable")
        })?;
    let unusable = |_| ProviderFailure::configuration(provider, "TLS cannot be set up");
    match &configuration.provider {
        PushProvider::Apns {
            team_id,
            key_id,
            auth_key,
        } => {
            // APNs speaks nothing else.
            let client = builder.http2_prior_knowledge().build().map_err(unusable)?;
            let key = AuthKey {
                team_id: team_id.clone(),
                key_id: key_id.clone(),
                pem: auth_key.clone(),
            };
            Ok(Service::Apns(Box::new(Apns {
                client,
                endpoint: configuration.endpoint.clone(),
                key,
                tokens,
                clock,
            })))
        }
        PushProvider::Fcm { service_account } => {
            let client = builder.build().map_err(unusable)?;
            let account = ServiceAccount::parse(service_account)?;
            Ok(Service::Fcm(Box::new(Fcm::new(
                client,
                configuration.endpoint.as_ref(),
                account,
                clock,
            )?)))
        }
    }
}

impl PushSender for ProviderPush {
    fn send<'a>(
        &'a self,
        destination: &'a PushDestination,
        message: &'a PushMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>> {
        self.send_by_service(destination, message).boxed()
    }
}
