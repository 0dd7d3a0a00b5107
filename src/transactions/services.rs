//! What all transactions share.

use super::delivery::settlement::Deliveries;
use super::persist::Reads;
use crate::base::Base;
use crate::callbacks::Callbacks;
use crate::devices::Devices;
use crate::devices::channel::Channels;
use crate::runtime::ShutdownSignal;
use crate::sms::SmsDelivery;
use crate::users::Users;

pub(super) struct Services {
    pub(super) base: Base,
    pub(super) devices: Devices,
    pub(super) users: Users,
    pub(super) channels: Channels,
    pub(super) callbacks: Callbacks,
    pub(super) sms: SmsDelivery,
    pub(super) deliveries: Deliveries,
    pub(super) reads: Reads,
    pub(super) shutdown: ShutdownSignal,
}
