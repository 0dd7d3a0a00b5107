//! What the facade and the worker share.

use tokio::sync::Notify;

use super::client::CallbackClient;
use super::types::CallbackLimits;
use crate::clock::Clock;
use crate::random::SharedRandom;
use crate::settings::CurrentSettings;
use crate::store::Store;
use crate::telemetry::Metrics;

pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) settings: CurrentSettings,
    pub(super) client: CallbackClient,
    pub(super) limits: CallbackLimits,
    pub(super) clock: Clock,
    pub(super) random: SharedRandom,
    pub(super) metrics: Metrics,
    /// Tells the worker that there may be new rows.
    pub(super) wake: Notify,
}
