//! What all channels share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::base::Base;
use crate::devices::facade::Devices;
use crate::push::PushSender;

pub(super) struct Services {
    pub(super) base: Base,
    pub(super) devices: Devices,
    pub(super) push: Arc<dyn PushSender>,
    /// One for each push being handed to its service.
    pub(super) push_permits: Semaphore,
    /// The methods whose transactions count as prompts, by their column.
    pub(super) prompting_methods: Vec<i16>,
}
