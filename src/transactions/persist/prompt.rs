//! The prompts that starts and resends owe.

use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::uuid_v7;
use crate::store::journal::{Prompt, PromptLimits};
use crate::store::rows::{PromptRow, TransactionRow};
use crate::transactions::methods::Method;
use crate::transactions::persist::record::Record;

/// The prompt by a transaction's first message, if its method prompts the user on a device.
pub(in crate::transactions) fn prompt_of_start(
    row: &TransactionRow,
    method: &Method,
    now: Timestamp,
    base: &Base,
) -> Option<Prompt> {
    if !method.prompts {
        return None;
    }

    let (user, device) = (row.user_id.clone()?, row.device_id.clone()?);
    Some(prompt(user, device, row.client_id.clone(), now, base))
}

/// The prompt by the message of `record` that is sent again, if its method prompts the user on a
/// device.
pub(super) fn prompt_of_resend(record: &Record, now: Timestamp, base: &Base) -> Option<Prompt> {
    if !record.method.prompts {
        return None;
    }

    let (user, device) = (record.user.as_ref()?, record.device.as_ref()?);
    let (user, device) = (user.to_string(), device.to_string());
    Some(prompt(user, device, record.client.to_string(), now, base))
}

fn prompt(
    user_id: String,
    device_id: String,
    client_id: String,
    now: Timestamp,
    base: &Base,
) -> Prompt {
    let general = &base.settings.load().mobile_authentication;

    Prompt {
        row: PromptRow {
            id: uuid_v7(now, &*base.random).into_bytes().to_vec(),
            device_id,
            user_id,
            client_id,
            prompted_at: now.as_millis(),
        },
        limits: PromptLimits {
            short_max: general.prompts_per_5_minutes_max,
            long_max: general.prompts_per_hour_max,
        },
    }
}
