//! What every handler of a listener works with.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use ipnet::IpNet;
use tokio::sync::watch;

use super::gate::Gate;
use super::pages::Pages;
use crate::app::AppState;

/// The bounds of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// The longest body.
    pub body_bytes_max: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

/// The features, and the state of one listener.
pub struct Api {
    pub(super) app: AppState,
    pub(super) limits: RequestLimits,
    /// Whose `X-Forwarded-For` is believed.
    pub(super) trusted_proxies: Arc<[IpNet]>,
    pub(super) pages: Arc<Pages>,
    pub(super) gate: Gate,
    stopping: watch::Receiver<bool>,
}

/// A handler's parameter for the features.
pub(super) type SharedApi = web::Data<Api>;

impl Api {
    /// `stopping` becomes true when the server is asked to stop.
    #[must_use]
    pub fn new(
        app: AppState,
        limits: RequestLimits,
        trusted_proxies: Arc<[IpNet]>,
        pages: Arc<Pages>,
        gate: Gate,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            app,
            limits,
            trusted_proxies,
            pages,
            gate,
            stopping,
        }
    }

    /// The URL of a path of the public listener, as clients see it.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.app.token_server.issuer.as_str())
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Completes when the server is asked to stop.
    pub(super) async fn stopped(&self) {
        let mut stopping = self.stopping.clone();

        // An error means that the sender is gone, which happens when the server ends.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}
