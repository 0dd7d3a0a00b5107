//! What a channel reads.

use crate::clock::Timestamp;
use crate::ids::{DeviceId, UserId};
use crate::store::{Store, StoreError, queries};

/// When a user was prompted on a device since `since`, by transactions of these methods: the latest
/// times, at most `limit`.
pub(super) async fn prompt_times(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    methods: &[i16],
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Timestamp>, StoreError> {
    let (device, user, methods) = (device.clone(), user.clone(), methods.to_vec());

    let times = store
        .read(move |connection| {
            queries::transactions::push_prompt_times(
                connection,
                device.as_str(),
                user.as_str(),
                &methods,
                since,
                i64::from(limit),
            )
        })
        .await?;

    Ok(times.into_iter().map(Timestamp::from_millis).collect())
}
