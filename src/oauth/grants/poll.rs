//! What an appliance is told that polls (RFC 8628 §3.5). Pure.

use std::time::Duration;

use super::approval::{Approval, CodeId};
use crate::clock::Timestamp;
use crate::oauth::model::{DeviceCode, DeviceCodeState};

/// The longest that an appliance has to wait between two polls.
const INTERVAL_MAX: Duration = Duration::from_secs(300);

/// What an appliance is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PollVerdict {
    /// Its tokens.
    Redeem(Approval),
    /// To poll again.
    Pending,
    /// To poll again, with this interval from now on.
    SlowDown(Duration),
    /// That its user refused.
    Denied,
    /// That its user did not decide in time.
    Expired,
    /// Nothing: the code is another client's, or was used before.
    Refuse,
}

/// Decides what a client is told that polls with this code.
pub(super) fn decide(code: &DeviceCode, client_id: &str, now: Timestamp) -> PollVerdict {
    if code.client_id != client_id || code.state == DeviceCodeState::Redeemed {
        return PollVerdict::Refuse;
    }

    // Even if the user has decided: an appliance that has given up must not leave tokens behind.
    if code.expires_at <= now {
        return PollVerdict::Expired;
    }

    match &code.state {
        DeviceCodeState::Allowed(login) => PollVerdict::Redeem(Approval {
            code: CodeId::Device(code.id),
            login: login.clone(),
            scope: code.scope.clone(),
            resource_server: code.resource_server.clone(),
            nonce: None,
        }),
        DeviceCodeState::Denied => PollVerdict::Denied,
        DeviceCodeState::Redeemed => PollVerdict::Refuse,
        DeviceCodeState::Waiting if is_too_early(code, now) => {
            // RFC 8628 §3.5: five seconds more, for this poll and all that follow.
            let interval = code.interval.saturating_add(DeviceCode::INTERVAL);
            PollVerdict::SlowDown(interval.min(INTERVAL_MAX))
        }
        DeviceCodeState::Waiting => PollVerdict::Pending,
    }
}

fn is_too_early(code: &DeviceCode, now: Timestamp) -> bool {
    // A poll that lies ahead is one of a clock that was set back since.
    code.polled_at
        .is_some_and(|polled_at| polled_at <= now && now < polled_at.after(code.interval))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::DeviceCodeId;
    use crate::oauth::model::{Authentication, Login};

    fn code(state: DeviceCodeState) -> DeviceCode {
        DeviceCode {
            id: DeviceCodeId::from_bytes([1; 16]),
            client_id: "tv".to_owned(),
            scope: "a".to_owned(),
            resource_server: None,
            state,
            interval: Duration::from_secs(5),
            polled_at: Some(Timestamp::from_millis(100_000)),
            created_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(600_000),
        }
    }

    #[test]
    fn an_appliance_is_told_what_its_user_has_decided() {
        let login = Login {
            user_id: "alice".parse().unwrap(),
            authentication: Authentication {
                amr: Vec::new(),
                acr: None,
                time: Timestamp::from_millis(0),
                claims: None,
                session: None,
            },
        };

        let waiting = || code(DeviceCodeState::Waiting);
        let allowed = || code(DeviceCodeState::Allowed(login.clone()));

        let with_interval = |seconds| DeviceCode {
            interval: Duration::from_secs(seconds),
            ..waiting()
        };

        let never_polled = DeviceCode {
            polled_at: None,
            ..waiting()
        };

        let slow_down = |seconds| PollVerdict::SlowDown(Duration::from_secs(seconds));

        let redeem = PollVerdict::Redeem(Approval {
            code: CodeId::Device(waiting().id),
            login: login.clone(),
            scope: "a".to_owned(),
            resource_server: None,
            nonce: None,
        });

        for (code, client, now, expected) in [
            (waiting(), "tv", 105_000, PollVerdict::Pending),
            (waiting(), "tv", 104_999, slow_down(10)),
            (waiting(), "tv", 99_000, PollVerdict::Pending),
            (with_interval(10), "tv", 105_000, slow_down(15)),
            (with_interval(300), "tv", 105_000, slow_down(300)),
            (never_polled, "tv", 1, PollVerdict::Pending),
            (waiting(), "tv", 600_000, PollVerdict::Expired),
            (allowed(), "tv", 100_001, redeem),
            (allowed(), "tv", 600_000, PollVerdict::Expired),
            (
                code(DeviceCodeState::Denied),
                "tv",
                105_000,
                PollVerdict::Denied,
            ),
            (
                code(DeviceCodeState::Redeemed),
                "tv",
                105_000,
                PollVerdict::Refuse,
            ),
            (allowed(), "radio", 105_000, PollVerdict::Refuse),
            (waiting(), "", 105_000, PollVerdict::Refuse),
        ] {
            assert_eq!(
                decide(&code, client, Timestamp::from_millis(now)),
                expected,
                "{code:?} {client} {now}"
            );
        }
    }
}
