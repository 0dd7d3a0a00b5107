//! What a channel reads.

use crate::clock::Timestamp;
use crate::ids::{DeviceId, UserId};
use crate::store::rows::transaction_method;
use crate::store::{Store, StoreError, queries};

/// When a user was prompted on a device since `since`: the latest, at most `limit`.
pub(super) async fn prompt_times(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Timestamp>, StoreError> {
    let (device, user) = (device.clone(), user.clone());
    let methods = &[transaction_method::PUSH];
    let times = store
        .read(move |connection| {
            let (device, user) = (device.as_str(), user.as_str());
            queries::transactions::push_prompt_times(
                connection,
                device,
                user,
                methods,
                since,
                i64::from(limit),
            )
        })
        .await?;
    Ok(times.into_iter().map(Timestamp::from_millis).collect())
}
