//! Sends by the service that a destination's configuration is for.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::types::{
    Connector, PushConfiguration, PushDestination, PushMessage, PushSender, PushService,
};
use crate::clock::Clock;
use crate::egress::{Egress, ProviderFailure};

/// Configurations whose connections are kept. Past it all are dropped, and connect again when they
/// are used.
const CONFIGURATIONS_MAX: usize = 64;

/// The server's [`PushSender`]. Keeps the connections and tokens of each configuration until that
/// changes.
pub struct ProviderPush {
    egress: Egress,
    clock: Clock,
    /// By the service's name.
    connectors: Mutex<HashMap<&'static str, Arc<dyn Connector>>>,
    /// By the configuration's name.
    connections: Mutex<HashMap<String, Connection>>,
}

/// What sends for one configuration, made when it is first used.
#[derive(Clone)]
struct Connection {
    configuration: Arc<PushConfiguration>,
    sender: Arc<OnceCell<Box<dyn PushSender>>>,
}

impl ProviderPush {
    /// Connects when it first sends.
    #[must_use]
    pub fn new(egress: Egress, clock: Clock) -> Self {
        Self {
            egress,
            clock,
            connectors: Mutex::default(),
            connections: Mutex::default(),
        }
    }

    async fn send_by_service(
        &self,
        to: &PushDestination,
        message: &PushMessage,
    ) -> Result<(), ProviderFailure> {
        let connection = self.connection(&to.configuration);
        let sender = connection
            .sender
            .get_or_try_init(|| self.connect(&connection.configuration))
            .await?;
        sender.send(to, message).await
    }

    fn connection(&self, configuration: &Arc<PushConfiguration>) -> Connection {
        let mut connections = self.connections.lock();

        if let Some(connection) = connections.get_mut(&configuration.name) {
            if Arc::ptr_eq(&connection.configuration, configuration) {
                return connection.clone();
            }

            // Settings are read again as a whole; most configurations are the same as before.
            if connection.configuration == *configuration {
                connection.configuration = Arc::clone(configuration);
                return connection.clone();
            }
        } else if connections.len() >= CONFIGURATIONS_MAX {
            connections.clear();
        }

        let connection = Connection {
            configuration: Arc::clone(configuration),
            sender: Arc::default(),
        };
        connections.insert(configuration.name.clone(), connection.clone());

        connection
    }

    async fn connect(
        &self,
        configuration: &Arc<PushConfiguration>,
    ) -> Result<Box<dyn PushSender>, ProviderFailure> {
        let service = configuration.service;
        let connector = self.connector(service);
        let (egress, configuration) = (self.egress.clone(), Arc::clone(configuration));

        // Reads the system's trust anchors from disk.
        let connecting = tokio::task::spawn_blocking(move || {
            let unusable = "CA certificate or proxy is not usable";
            let client = egress
                .builder(configuration.ca_certificate.as_deref())
                .map_err(|_| ProviderFailure::configuration(service.name, unusable))?;
            connector.connect(&configuration, client)
        });

        connecting.await.unwrap_or_else(|_| {
            Err(ProviderFailure::configuration(
                service.name,
                "client cannot be built",
            ))
        })
    }

    fn connector(&self, service: &PushService) -> Arc<dyn Connector> {
        let mut connectors = self.connectors.lock();
        let connector = connectors
            .entry(service.name)
            .or_insert_with(|| (service.connector)(&self.clock));
        Arc::clone(connector)
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
