//! HTTP: requests become calls of the features' facades, their answers become responses. Nothing is
//! decided here.
//!
//! A request passes the [`boundary`] (its id, the bound on requests in work, headers, metrics, the
//! log), finds its endpoint in the one table of `routes`, and is taken apart by the handler's
//! parameters (`extract`): rights, path, parameters. What goes wrong leaves through `error`, in the
//! shape of its area.

mod boundary;
mod device;
mod end_user;
mod error;
mod extract;
mod gate;
mod management;
mod names;
mod oauth;
mod openapi;
mod request_id;
mod routes;
mod span;
mod waiting;
mod website;

use std::time::Duration;

use tokio::sync::watch;

pub use boundary::boundary;
pub use gate::Gate;
pub use routes::{Listener, configure};
pub use span::RequestSpan;

use crate::app::AppState;
use crate::clock::Clock;

/// The bounds of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// The longest body.
    pub body_bytes_max: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

/// What handlers work with, on one listener.
pub struct Api {
    app: AppState,
    limits: RequestLimits,
    gate: Gate,
    stopping: watch::Receiver<bool>,
}

impl Api {
    /// Puts the facades behind HTTP. `stopping` turns true when the server is asked to stop.
    #[must_use]
    pub fn new(
        app: AppState,
        limits: RequestLimits,
        gate: Gate,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            app,
            limits,
            gate,
            stopping,
        }
    }

    fn app(&self) -> &AppState {
        &self.app
    }

    /// An address below the public one, as the world sees it.
    fn link(&self, path: &str) -> String {
        format!("{}{path}", self.app.token_server.issuer.as_str())
    }

    fn clock(&self) -> &Clock {
        &self.app.base.clock
    }

    fn limits(&self) -> RequestLimits {
        self.limits
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Completes when the server is asked to stop.
    async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // An error means that the server is gone altogether.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}
