//! What all channels share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::devices::facade::Devices;
use crate::push::PushSender;
use crate::settings::CurrentSettings;
use crate::store::Store;
use crate::telemetry::Metrics;

pub(super) struct Services {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) settings: CurrentSettings,
    pub(super) devices: Devices,
    pub(super) push: Arc<dyn PushSender>,
    /// One for each push being handed to its service.
    pub(super) push_permits: Semaphore,
    pub(super) metrics: Metrics,
    /// The methods whose transactions count as prompts, by their column.
    pub(super) prompting_methods: Vec<i16>,
}
