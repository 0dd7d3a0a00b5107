//! What all transactions share.

use std::sync::Arc;

use crate::callbacks::Callbacks;
use crate::clock::Clock;
use crate::devices::Devices;
use crate::devices::channel::Channels;
use crate::random::SharedRandom;
use crate::runtime::ShutdownSignal;
use crate::secret::Keyring;
use crate::settings::CurrentSettings;
use crate::sms::SmsDelivery;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::users::Users;

pub(super) struct Services {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) random: SharedRandom,
    pub(super) keyring: Arc<Keyring>,
    pub(super) settings: CurrentSettings,
    pub(super) devices: Devices,
    pub(super) users: Users,
    pub(super) channels: Channels,
    pub(super) callbacks: Callbacks,
    pub(super) sms: SmsDelivery,
    pub(super) metrics: Metrics,
    pub(super) shutdown: ShutdownSignal,
}
