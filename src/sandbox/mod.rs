//! Local stand-ins for everybody the server calls: APNs, FCM, Twilio, an SMS gateway, a website.
//!
//! They speak the real protocols, check what the real ones check, remember what they received and
//! can be told to fail. For tests, for the demo, and as a program of its own for other people's
//! tests. Knows nothing of the server.

mod apns;
mod apply_file;
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
use tokio::signal::unix::{SignalKind, signal};

pub use credentials::Credentials;
pub use fault::{Fault, Provider};
pub use record::Received;
pub use shared::Endpoints;
pub use website::CallbackProblem;

use crate::clock::Clock;
use record::Records;
use server::Listeners;
use shared::State;

/// How long the `wait_for_…` functions wait.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// How to start the stand-ins. They listen on 127.0.0.1; a port of 0 is a free one.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// What the stand-ins take for the time: the server's clock, where a test moves that.
    pub clock: Clock,
    /// Apple's push service.
    pub apns_port: u16,
    /// Google's push service.
    pub fcm_port: u16,
    /// Twilio.
    pub twilio_port: u16,
    /// The generic SMS gateway.
    pub sms_gateway_port: u16,
    pub website_port: u16,
    pub control_port: u16,
}

impl Default for SandboxOptions {
    /// Free ports and the machine's clock.
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

/// The running stand-ins. They stop when it is dropped.
pub struct Sandbox {
    state: Arc<State>,
    server: ServerHandle,
}

impl Sandbox {
    /// Makes the credentials and starts to listen, on threads of its own. Blocks for a moment: keys
    /// take some computing.
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

    /// Where the stand-ins listen.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.state.endpoints
    }

    /// What they accept.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.state.credentials
    }

    /// Makes a provider fail from the next request on.
    pub fn fail(&self, provider: Provider, fault: Fault) {
        self.state.faults.set(provider, fault);
    }

    /// Lets a provider work again.
    pub fn heal(&self, provider: Provider) {
        self.state.faults.clear(provider);
    }

    /// Everything received and answered that is still kept, refusals included, oldest first.
    #[must_use]
    pub fn received(&self, provider: Provider) -> Vec<Received> {
        self.state
            .records
            .list(|received| received.provider == provider, usize::MAX)
    }

    /// How many requests came, answered or not.
    #[must_use]
    pub fn requests(&self, provider: Provider) -> u64 {
        self.state.records.arrivals(provider)
    }

    /// The first push an address took, now or within ten seconds.
    pub async fn wait_for_push(&self, address: &str) -> Option<Received> {
        let is_push = |provider| matches!(provider, Provider::Apns | Provider::Fcm);
        self.wait_for(|received| {
            is_push(received.provider) && received.is_accepted() && received.to == address
        })
        .await
    }

    /// The first text message a number was sent, by either gateway, now or within ten seconds.
    pub async fn wait_for_sms(&self, to: &str) -> Option<Received> {
        let is_sms = |provider| matches!(provider, Provider::Twilio | Provider::Http);
        self.wait_for(|received| {
            is_sms(received.provider) && received.is_accepted() && received.to == to
        })
        .await
    }

    /// The first callback about a transaction that the website took, now or within ten seconds.
    pub async fn wait_for_callback(&self, transaction_id: &str) -> Option<Received> {
        let is_about = |received: &Received| received.transaction_id() == Some(transaction_id);
        self.wait_for(|received| {
            received.provider == Provider::Website && received.is_accepted() && is_about(received)
        })
        .await
    }

    /// The first request that matches, refused ones included, now or within ten seconds of real
    /// time.
    pub async fn wait_for(&self, matches: impl Fn(&Received) -> bool) -> Option<Received> {
        tokio::time::timeout(WAIT_MAX, self.state.records.wait_for(matches))
            .await
            .ok()
            .flatten()
    }

    /// Checks a callback as a careful website would: credentials, signature, time.
    pub fn check_callback(&self, callback: &Received) -> Result<(), CallbackProblem> {
        website::check(&self.state.credentials, callback, self.state.clock.now())
    }

    /// What to give to `countersign apply`, so that a server uses the stand-ins: push, text
    /// messages and callbacks. It refers to the files of [`Sandbox::write_files`] beside it.
    #[must_use]
    pub fn apply_file(&self) -> String {
        apply_file::render(&self.state.endpoints, &self.state.credentials)
    }

    /// Writes `sandbox.toml` ([`Sandbox::apply_file`]), `AuthKey.p8`, `service-account.json`,
    /// `sandbox-ca.pem` and a file for each secret into a folder, readable by the owner only.
    /// Blocks.
    pub fn write_files(&self, folder: &Path) -> io::Result<()> {
        apply_file::write(folder, &self.state.endpoints, &self.state.credentials)
    }

    /// Stops listening and waits until it has.
    pub async fn shutdown(self) {
        self.server.stop(false).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The command is given when the future is made; only waiting for it to be done needs the
        // future.
        drop(self.server.stop(false));
    }
}

/// Runs the stand-ins until the process is told to stop. `started` is called once they listen, to
/// show what they are.
pub async fn run(
    options: SandboxOptions,
    started: impl FnOnce(&Sandbox) -> io::Result<()>,
) -> io::Result<()> {
    let sandbox = Sandbox::start(options)?;
    started(&sandbox)?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }

    sandbox.shutdown().await;
    Ok(())
}
