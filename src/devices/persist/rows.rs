//! Rows as domain types, and back.

use crate::clock::Timestamp;
use crate::devices::types::{Device, Enrolment};
use crate::jose::PublicJwk;
use crate::push::Transport;
use crate::settings::Platform;
use crate::store::rows::{DeviceRow, EnrolmentRow};
use crate::store::{CorruptRow, StoreError};

impl TryFrom<DeviceRow> for Device {
    type Error = StoreError;

    fn try_from(row: DeviceRow) -> Result<Self, StoreError> {
        let corrupt = CorruptRow::new("devices", &row.id);

        let read = || {
            Some(Self {
                id: row.id.try_into().ok()?,
                application_id: row.application_id.try_into().ok()?,
                application_version: row.application_version,
                platform: Platform::from_name(&row.platform)?,
                name: row.name,
                model: row.model,
                os_version: row.os_version,
                public_key: PublicJwk::from_json(&row.public_key).ok()?,
                created_at: Timestamp::from_millis(row.created_at),
                updated_at: Timestamp::from_millis(row.updated_at),
                unused_since: row.unused_since.map(Timestamp::from_millis),
            })
        };

        read().ok_or(corrupt.into())
    }
}

impl Device {
    pub(in crate::devices) fn to_row(&self, registration_token_hash: &[u8]) -> DeviceRow {
        DeviceRow {
            id: self.id.to_string(),
            application_id: self.application_id.to_string(),
            application_version: self.application_version.clone(),
            platform: self.platform.as_str().to_owned(),
            name: self.name.clone(),
            model: self.model.clone(),
            os_version: self.os_version.clone(),
            public_key: self.public_key.to_json(),
            registration_token_hash: registration_token_hash.to_vec(),
            created_at: self.created_at.as_millis(),
            updated_at: self.updated_at.as_millis(),
            unused_since: self.unused_since.map(Timestamp::as_millis),
        }
    }
}

impl TryFrom<EnrolmentRow> for Enrolment {
    type Error = StoreError;

    fn try_from(row: EnrolmentRow) -> Result<Self, StoreError> {
        let corrupt = CorruptRow::new("enrolments", &row.device_id);

        let read = || {
            Some(Self {
                user_id: row.user_id.try_into().ok()?,
                profile_id: row.profile_id.try_into().ok()?,
                public_key: PublicJwk::from_json(&row.public_key).ok()?,
                created_at: Timestamp::from_millis(row.created_at),
            })
        };

        read().ok_or(corrupt.into())
    }
}

/// How a device is reached by push: the transport of this name.
pub(in crate::devices) fn transport(name: &str, device: &str) -> Result<Transport, StoreError> {
    Transport::from_name(name).ok_or_else(|| CorruptRow::new("push_addresses", device).into())
}
