//! What all channels share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::base::Base;
use crate::devices::facade::Devices;
use crate::egress::Bulkheads;
use crate::push::PushSender;

pub(super) struct Services {
    pub(super) base: Base,
    pub(super) devices: Devices,
    pub(super) push: Arc<dyn PushSender>,
    /// One for each push configuration.
    pub(super) bulkheads: Bulkheads,
    /// The room for notices.
    pub(super) notices: Arc<Semaphore>,
}
