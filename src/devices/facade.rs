//! [`Devices`]: what all operations on devices share.

use std::sync::Arc;

use super::persist;
use super::push::persist::{PushTargets, push_targets};
use super::types::Device;
use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::{DeviceId, UserId};
use crate::jose::{PrivateJwk, PublicJwk};
use crate::secret::{Keyring, Purpose};
use crate::store::StoreError;
use crate::store::rows::EventRow;
use crate::users::events::{Concerning, EventType, event};

/// Everything about devices. Cheap to clone.
#[derive(Clone)]
pub struct Devices(pub(super) Arc<Parts>);

pub(super) struct Parts {
    pub(super) base: Base,
    pub(super) server_key: PublicJwk,
    /// Read with every request of a device.
    pub(super) by_id: persist::DevicesById,
    /// Read with every push that is started.
    pub(super) push_targets: PushTargets,
}

impl Devices {
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self(Arc::new(Parts {
            base: base.clone(),
            server_key: server_key(&base.keyring),
            by_id: persist::devices_by_id(&base.store),
            push_targets: push_targets(&base.store),
        }))
    }

    /// Finds a registered device.
    pub async fn find(&self, id: &DeviceId) -> Result<Option<Device>, StoreError> {
        let row = self.0.by_id.find(id.to_string()).await?;
        row.map(Device::try_from).transpose()
    }

    /// A row of the audit log.
    pub(super) fn event(
        &self,
        event_type: EventType,
        device: &DeviceId,
        user: Option<&UserId>,
        now: Timestamp,
    ) -> EventRow {
        let concerning = Concerning {
            device: Some(device),
            user,
            ..Concerning::default()
        };

        event(event_type, concerning, now, self.0.base.random.as_ref())
    }
}

/// The server's own key pair. Derived from the master key, so that it is the same on all nodes and
/// after every restart.
#[expect(
    clippy::expect_used,
    reason = "each of the 256 attempts fails with a probability of 2^-32"
)]
fn server_key(keyring: &Keyring) -> PublicJwk {
    let derive = |attempt: u8| {
        // Not every text is a private key, and the choice must be the same on all nodes: so it is
        // counted up, not drawn.
        let input = [b"server-key\0".as_slice(), &[attempt]].concat();
        keyring.hash(Purpose::SigningKey, &input)
    };

    let key = (0..=u8::MAX).find_map(|attempt| PrivateJwk::from_bytes(derive(attempt)).ok());
    *key.expect("almost all texts of 32 bytes are a private key")
        .public()
}
