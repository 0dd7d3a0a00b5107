//! Local stand-ins for everything that the server calls: APNs, FCM, Twilio, an SMS gateway and a
//! website.
//!
//! They speak the real protocols, make the same checks, record what they receive and can be made to
//! fail. They serve the tests, the demo, and, as a program, integration tests elsewhere. They use no
//! code of the server.

mod apns;
mod apply_file;
mod behaviour;
mod control;
mod credentials;
mod exchange;
mod fault;
mod fcm;
mod jwt;
mod record;
mod server;
mod shared;
mod sms_gateway;
mod twilio;
mod website;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use parking_lot::Mutex;

pub use credentials::Credentials;
pub use fault::{Fault, Provider};
pub use record::Received;
pub use shared::Endpoints;
pub use website::CallbackProblem;

use crate::clock::Clock;
use record::Records;
use server::Listeners;
use shared::State;

/// How long the `wait_for_…` functions wait, in real time.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// How to start the stand-ins. They listen on 127.0.0.1. A port of 0 means a free one.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// Usually the server's clock, so that tests can move both.
    pub clock: Clock,
    pub apns_port: u16,
    pub fcm_port: u16,
    pub twilio_port: u16,
    pub sms_gateway_port: u16,
    pub website_port: u16,
    pub control_port: u16,
}

impl Default for SandboxOptions {
    /// Free ports and the system clock.
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            apns_port: 0,
            fcm_port: 0,
            twilio_port: 0,
            sms_gateway_port: 0,
            website_port: 0,
            control_port: 0,
        }
    }
}

/// The running stand-ins. Dropping it stops them.
pub struct Sandbox {
    state: Arc<State>,
    server: ServerHandle,
}

impl Sandbox {
    /// Generates credentials and starts to listen on its own threads. Blocks for a moment to generate
    /// keys.
    pub fn start(options: SandboxOptions) -> io::Result<Self> {
        let listeners = Listeners {
            apns: server::bind(options.apns_port)?,
            fcm: server::bind(options.fcm_port)?,
            twilio: server::bind(options.twilio_port)?,
            sms_gateway: server::bind(options.sms_gateway_port)?,
            website: server::bind(options.website_port)?,
            control: server::bind(options.control_port)?,
        };

        let endpoints = Endpoints {
            apns: format!("https://{}", listeners.apns.local_addr()?),
            fcm: format!("http://{}", listeners.fcm.local_addr()?),
            twilio: format!("http://{}", listeners.twilio.local_addr()?),
            sms_gateway: format!("http://{}", listeners.sms_gateway.local_addr()?),
            website: format!("http://{}", listeners.website.local_addr()?),
            control: format!("http://{}", listeners.control.local_addr()?),
        };

        let (credentials, keys) = credentials::generate(&format!("{}/token", endpoints.fcm))?;

        let state = Arc::new(State {
            clock: options.clock,
            endpoints,
            credentials,
            keys,
            records: Records::new(),
            faults: fault::Faults::default(),
            access_tokens: Mutex::new(VecDeque::new()),
        });

        let server = server::serve(&state, listeners)?;
        Ok(Self { state, server })
    }

    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.state.endpoints
    }

    /// The credentials that the stand-ins accept.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.state.credentials
    }

    /// Makes a provider fail, from its next request on.
    pub fn fail(&self, provider: Provider, fault: Fault) {
        self.state.faults.set(provider, fault);
    }

    /// Makes a provider work again.
    pub fn heal(&self, provider: Provider) {
        self.state.faults.clear(provider);
    }

    /// The recorded requests to a provider, oldest first, including refused ones.
    #[must_use]
    pub fn received(&self, provider: Provider) -> Vec<Received> {
        self.state
            .records
            .list(|received| received.provider == provider, usize::MAX)
    }

    /// The number of requests to a provider, answered or not.
    #[must_use]
    pub fn requests(&self, provider: Provider) -> u64 {
        self.state.records.arrivals(provider)
    }

    /// The first accepted push to an address, now or within ten seconds.
    pub async fn wait_for_push(&self, address: &str) -> Option<Received> {
        let is_push = |provider| matches!(provider, Provider::Apns | Provider::Fcm);
        self.wait_for(|received| {
            is_push(received.provider) && received.is_accepted() && received.to == address
        })
        .await
    }

    /// The first accepted text message to a number, now or within ten seconds.
    pub async fn wait_for_sms(&self, to: &str) -> Option<Received> {
        let is_sms = |provider| matches!(provider, Provider::Twilio | Provider::Http);
        self.wait_for(|received| {
            is_sms(received.provider) && received.is_accepted() && received.to == to
        })
        .await
    }

    /// The first accepted callback about a transaction, now or within ten seconds.
    pub async fn wait_for_callback(&self, transaction_id: &str) -> Option<Received> {
        let is_about = |received: &Received| received.transaction_id() == Some(transaction_id);
        self.wait_for(|received| {
            received.provider == Provider::Website && received.is_accepted() && is_about(received)
        })
        .await
    }

    /// The first matching request, accepted or not, now or within ten seconds.
    pub async fn wait_for(&self, matches: impl Fn(&Received) -> bool) -> Option<Received> {
        tokio::time::timeout(WAIT_MAX, self.state.records.wait_for(matches))
            .await
            .ok()
            .flatten()
    }

    /// Checks a callback as a careful website would: credentials, signature, age.
    pub fn check_callback(&self, callback: &Received) -> Result<(), CallbackProblem> {
        website::check(&self.state.credentials, callback, self.state.clock.now())
    }

    /// A file for `countersign apply` that makes a server use the stand-ins. It refers to the files of
    /// [`Sandbox::write_files`] in the same folder.
    #[must_use]
    pub fn apply_file(&self) -> String {
        apply_file::render(&self.state.endpoints, &self.state.credentials)
    }

    /// Writes `sandbox.toml` ([`Sandbox::apply_file`]), `AuthKey.p8`, `service-account.json`,
    /// `sandbox-ca.pem` and a file for each secret to a folder. Only their owner can read them.
    pub fn write_files(&self, folder: &Path) -> io::Result<()> {
        apply_file::write(folder, &self.state.endpoints, &self.state.credentials)
    }

    /// Stops listening and waits until that is done.
    pub async fn shutdown(self) {
        self.server.stop(false).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Calling `stop` is enough; the future only waits for the end.
        drop(self.server.stop(false));
    }
}
