//! What a gateway's answer means.

use std::time::Duration;

use crate::egress::FailureKind;

/// Twilio refuses what the message comes from, not the message: another sender may do.
///
/// 21212 invalid From, 21267 alphanumeric sender on a trial account, 21606 and 21661 not able to
/// send messages, 21612 no route from this sender to this number, 21657 sender id not allowed in
/// that country, 21659 not a Twilio number, 21660 not of this account.
pub(super) const fn is_sender_refused(code: u32) -> bool {
    matches!(
        code,
        21212 | 21267 | 21606 | 21612 | 21657 | 21659 | 21660 | 21661
    )
}

/// From the status and Twilio's error code, where the answer had one.
pub(super) const fn twilio(status: u16, code: Option<u32>, after: Option<Duration>) -> FailureKind {
    match code {
        // Not authenticated; the account is suspended; the country is not switched on; a trial
        // account's unverified number.
        Some(20003 | 20005 | 21408 | 21608 | 30002) => FailureKind::Configuration,
        // No route to the number, not with the default sender either.
        Some(21612) => FailureKind::Blocked,
        Some(code) if is_sender_refused(code) => FailureKind::Configuration,
        // Too many requests, in general, to this number, from this number; queue overflow; unknown
        // error of the carrier.
        Some(14107 | 20429 | 21611 | 30001 | 30008 | 30022) => FailureKind::Retry { after },
        // The number cannot be one, has unsubscribed, cannot receive text messages; the carrier
        // refused the message.
        Some(
            21211 | 21214 | 21217 | 21265 | 21266 | 21610 | 21614 | 21617 | 21635 | 30000..=30999,
        ) => FailureKind::Blocked,
        _ => by_status(status, after),
    }
}

/// From the status alone: what the generic gateway gives us.
pub(super) const fn http_gateway(status: u16, after: Option<Duration>) -> FailureKind {
    by_status(status, after)
}

const fn by_status(status: u16, after: Option<Duration>) -> FailureKind {
    match status {
        408 | 425 | 429 | 500..=599 => FailureKind::Retry { after },
        401 | 403 | 404 | 405 | 407 | 300..=399 => FailureKind::Configuration,
        _ => FailureKind::Blocked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: FailureKind = FailureKind::Retry {
        after: Some(Duration::from_secs(7)),
    };

    #[test]
    fn twilio_codes() {
        let cases = [
            (401, Some(20003), FailureKind::Configuration),
            (403, Some(20005), FailureKind::Configuration),
            (400, Some(21408), FailureKind::Configuration),
            (400, Some(21608), FailureKind::Configuration),
            (400, Some(30002), FailureKind::Configuration),
            (400, Some(21212), FailureKind::Configuration),
            (400, Some(21267), FailureKind::Configuration),
            (400, Some(21606), FailureKind::Configuration),
            (400, Some(21657), FailureKind::Configuration),
            (400, Some(21659), FailureKind::Configuration),
            (400, Some(21660), FailureKind::Configuration),
            (400, Some(21661), FailureKind::Configuration),
            (400, Some(21612), FailureKind::Blocked),
            (400, Some(21211), FailureKind::Blocked),
            (400, Some(21214), FailureKind::Blocked),
            (400, Some(21217), FailureKind::Blocked),
            (400, Some(21265), FailureKind::Blocked),
            (400, Some(21266), FailureKind::Blocked),
            (400, Some(21610), FailureKind::Blocked),
            (400, Some(21614), FailureKind::Blocked),
            (400, Some(21617), FailureKind::Blocked),
            (400, Some(21635), FailureKind::Blocked),
            (400, Some(30003), FailureKind::Blocked),
            (400, Some(30007), FailureKind::Blocked),
            (400, Some(14107), RETRY),
            (429, Some(20429), RETRY),
            (400, Some(21611), RETRY),
            (400, Some(30001), RETRY),
            (400, Some(30008), RETRY),
            (400, Some(30022), RETRY),
            (400, Some(99999), FailureKind::Blocked),
            (401, None, FailureKind::Configuration),
            (404, Some(20404), FailureKind::Configuration),
            (429, None, RETRY),
            (500, Some(20500), RETRY),
            (503, None, RETRY),
        ];
        for (status, code, kind) in cases {
            assert_eq!(
                twilio(status, code, Some(Duration::from_secs(7))),
                kind,
                "{status} {code:?}"
            );
        }
    }

    #[test]
    fn only_the_sender_is_worth_a_second_try() {
        for code in [21212, 21267, 21606, 21612, 21657, 21659, 21660, 21661] {
            assert!(is_sender_refused(code), "{code}");
        }
        for code in [20003, 21211, 21610, 21611, 21614, 30007] {
            assert!(!is_sender_refused(code), "{code}");
        }
    }

    #[test]
    fn gateway_statuses() {
        let cases = [
            (200, FailureKind::Blocked),
            (302, FailureKind::Configuration),
            (400, FailureKind::Blocked),
            (401, FailureKind::Configuration),
            (403, FailureKind::Configuration),
            (404, FailureKind::Configuration),
            (408, RETRY),
            (422, FailureKind::Blocked),
            (429, RETRY),
            (500, RETRY),
            (503, RETRY),
        ];
        for (status, kind) in cases {
            assert_eq!(
                http_gateway(status, Some(Duration::from_secs(7))),
                kind,
                "{status}"
            );
        }
    }
}
