//! What a refusal by FCM means.

use std::time::Duration;

use crate::egress::FailureKind;

/// How long to wait where a quota is used up and FCM does not say: quotas are by the minute.
const QUOTA_PAUSE: Duration = Duration::from_secs(60);

/// By FCM's error code, or by the status where there is none. `is_about_token`: the field of the
/// request that was wrong was the address.
pub(super) fn classify(
    status: u16,
    code: Option<&str>,
    is_about_token: bool,
    after: Option<Duration>,
) -> FailureKind {
    match code {
        Some("UNREGISTERED") => FailureKind::DeadAddress { since: None },
        Some("INVALID_ARGUMENT") if is_about_token => FailureKind::DeadAddress { since: None },
        Some("INVALID_ARGUMENT") => FailureKind::Blocked,
        Some("SENDER_ID_MISMATCH" | "THIRD_PARTY_AUTH_ERROR") => FailureKind::Configuration,
        Some("QUOTA_EXCEEDED") => FailureKind::Retry {
            after: after.or(Some(QUOTA_PAUSE)),
        },
        Some("UNAVAILABLE" | "INTERNAL") => FailureKind::Retry { after },
        _ => FailureKind::from_status(status, after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Option<Duration> = Some(Duration::from_secs(7));
    const DEAD: FailureKind = FailureKind::DeadAddress { since: None };
    const RETRY: FailureKind = FailureKind::Retry { after: AFTER };

    #[test]
    fn a_quota_comes_back_in_a_minute() {
        let pause = |after| classify(429, Some("QUOTA_EXCEEDED"), false, after);
        let after = Some(Duration::from_secs(60));
        assert_eq!(pause(None), FailureKind::Retry { after });
        assert_eq!(pause(AFTER), RETRY);
    }

    #[test]
    fn codes() {
        let cases = [
            (404, Some("UNREGISTERED"), false, DEAD),
            (400, Some("INVALID_ARGUMENT"), true, DEAD),
            (400, Some("INVALID_ARGUMENT"), false, FailureKind::Blocked),
            (
                403,
                Some("SENDER_ID_MISMATCH"),
                false,
                FailureKind::Configuration,
            ),
            (
                401,
                Some("THIRD_PARTY_AUTH_ERROR"),
                false,
                FailureKind::Configuration,
            ),
            (429, Some("QUOTA_EXCEEDED"), false, RETRY),
            (503, Some("UNAVAILABLE"), false, RETRY),
            (500, Some("INTERNAL"), false, RETRY),
            (
                401,
                Some("UNAUTHENTICATED"),
                false,
                FailureKind::Configuration,
            ),
            (
                403,
                Some("PERMISSION_DENIED"),
                false,
                FailureKind::Configuration,
            ),
            // With this code it is the project that was not found.
            (404, Some("NOT_FOUND"), false, FailureKind::Configuration),
            (404, None, false, FailureKind::Configuration),
            (429, None, false, RETRY),
            (502, None, false, FailureKind::Doubtful),
            (400, None, false, FailureKind::Blocked),
        ];

        for (status, code, is_about_token, kind) in cases {
            assert_eq!(
                classify(status, code, is_about_token, AFTER),
                kind,
                "{status} {code:?}"
            );
        }
    }
}
