//! The limits that text messages count against.

use std::time::Duration;

use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::{ClientId, UserId};
use crate::secret::TokenKind;
use crate::store::journal::Quota;

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// The limits of a text message to this number; none where there is no number, and so no message.
pub(in crate::transactions) fn quotas(
    user: Option<&UserId>,
    client: &ClientId,
    number: Option<&str>,
    now: Timestamp,
    base: &Base,
) -> Vec<Quota> {
    let Some(number) = number else {
        return Vec::new();
    };

    let rules = &base.settings.load().mobile_authentication;
    let quota = |whose: &str, window, max| {
        let keyring = &base.keyring;
        Quota {
            // Numbers and users are personal data: the hash is enough to count by.
            key: keyring.token_hash(TokenKind::Recipient, whose).to_vec(),
            window,
            max,
            at: now,
        }
    };

    let mut quotas = vec![
        quota(
            &format!("number {number}"),
            HOUR,
            rules.sms_per_number_per_hour_max,
        ),
        quota(
            &format!("client {client}"),
            MINUTE,
            rules.sms_per_client_per_minute_max,
        ),
        quota("all", MINUTE, rules.sms_per_minute_max),
    ];
    let of_user = |user: &UserId| {
        let max = rules.sms_per_user_per_hour_max;
        quota(&format!("user {user}"), HOUR, max)
    };
    quotas.extend(user.map(of_user));

    quotas
}
