//! What a push service's answer means.

use std::time::Duration;

use a2::response::ErrorReason;

use crate::clock::Timestamp;
use crate::egress::FailureKind;

/// From Apple's reason, or from the status where the reason is one we do not know.
pub(super) const fn apns(
    status: u16,
    reason: Option<&ErrorReason>,
    since: Option<Timestamp>,
    after: Option<Duration>,
) -> FailureKind {
    use ErrorReason as Reason;
    let Some(reason) = reason else {
        return match status {
            410 => FailureKind::DeadAddress { since },
            _ => by_status(status, after),
        };
    };
    match reason {
        Reason::Unregistered => FailureKind::DeadAddress { since },
        Reason::BadDeviceToken | Reason::MissingDeviceToken => {
            FailureKind::DeadAddress { since: None }
        }
        // Of the address and the topic it may well be the topic that is wrong, which no user should
        // have to repair.
        Reason::DeviceTokenNotForTopic
        | Reason::BadTopic
        | Reason::MissingTopic
        | Reason::TopicDisallowed
        | Reason::BadCertificate
        | Reason::BadCertificateEnvironment
        | Reason::Forbidden
        | Reason::InvalidProviderToken
        | Reason::MissingProviderToken
        | Reason::BadPath
        | Reason::MethodNotAllowed => FailureKind::Configuration,
        Reason::ExpiredProviderToken
        | Reason::TooManyProviderTokenUpdates
        | Reason::IdleTimeout
        | Reason::TooManyRequests
        | Reason::InternalServerError
        | Reason::ServiceUnavailable
        | Reason::Shutdown => FailureKind::Retry { after },
        Reason::BadCollapseId
        | Reason::BadExpirationDate
        | Reason::BadMessageId
        | Reason::BadPriority
        | Reason::DuplicateHeaders
        | Reason::PayloadEmpty
        | Reason::PayloadTooLarge => FailureKind::Blocked,
    }
}

/// From FCM's error code, or from the status where there is none. `is_about_token`: a field of the
/// request was wrong, and it was the address.
pub(super) fn fcm(
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
        Some("QUOTA_EXCEEDED" | "UNAVAILABLE" | "INTERNAL") => FailureKind::Retry { after },
        _ => by_status(status, after),
    }
}

/// Of a token endpoint (RFC 6749 §5.2): what it refuses it will refuse again.
pub(super) const fn token_endpoint(status: u16, after: Option<Duration>) -> FailureKind {
    match by_status(status, after) {
        FailureKind::Blocked => FailureKind::Configuration,
        kind => kind,
    }
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
    use serde::Deserialize as _;
    use serde::de::IntoDeserializer as _;
    use serde::de::value::{Error, StrDeserializer};

    use super::*;

    const SINCE: Option<Timestamp> = Some(Timestamp::from_millis(1_508_249_865_488));
    const AFTER: Option<Duration> = Some(Duration::from_secs(7));
    const DEAD: FailureKind = FailureKind::DeadAddress { since: None };
    const RETRY: FailureKind = FailureKind::Retry { after: AFTER };

    #[test]
    fn apns_reasons() {
        let cases = [
            (
                410,
                "Unregistered",
                FailureKind::DeadAddress { since: SINCE },
            ),
            (
                410,
                "ExpiredToken",
                FailureKind::DeadAddress { since: SINCE },
            ),
            (400, "BadDeviceToken", DEAD),
            (400, "MissingDeviceToken", DEAD),
            (400, "DeviceTokenNotForTopic", FailureKind::Configuration),
            (400, "BadTopic", FailureKind::Configuration),
            (400, "MissingTopic", FailureKind::Configuration),
            (400, "TopicDisallowed", FailureKind::Configuration),
            (403, "BadCertificate", FailureKind::Configuration),
            (403, "BadCertificateEnvironment", FailureKind::Configuration),
            (403, "Forbidden", FailureKind::Configuration),
            (403, "InvalidProviderToken", FailureKind::Configuration),
            (403, "MissingProviderToken", FailureKind::Configuration),
            (403, "BadEnvironmentKeyInToken", FailureKind::Configuration),
            (404, "BadPath", FailureKind::Configuration),
            (405, "MethodNotAllowed", FailureKind::Configuration),
            (403, "ExpiredProviderToken", RETRY),
            (429, "TooManyProviderTokenUpdates", RETRY),
            (400, "IdleTimeout", RETRY),
            (429, "TooManyRequests", RETRY),
            (500, "InternalServerError", RETRY),
            (503, "ServiceUnavailable", RETRY),
            (503, "Shutdown", RETRY),
            (429, "SomethingNew", RETRY),
            (502, "SomethingNew", RETRY),
            (400, "BadCollapseId", FailureKind::Blocked),
            (400, "BadExpirationDate", FailureKind::Blocked),
            (400, "BadMessageId", FailureKind::Blocked),
            (400, "BadPriority", FailureKind::Blocked),
            (400, "DuplicateHeaders", FailureKind::Blocked),
            (400, "PayloadEmpty", FailureKind::Blocked),
            (413, "PayloadTooLarge", FailureKind::Blocked),
            (400, "InvalidPushType", FailureKind::Blocked),
        ];
        for (status, reason, kind) in cases {
            let name: StrDeserializer<'_, Error> = reason.into_deserializer();
            let known = ErrorReason::deserialize(name).ok();
            assert_eq!(
                apns(status, known.as_ref(), SINCE, AFTER),
                kind,
                "{status} {reason}"
            );
        }
    }

    #[test]
    fn fcm_codes() {
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
            // Without the code it is the project that was not found.
            (404, Some("NOT_FOUND"), false, FailureKind::Configuration),
            (404, None, false, FailureKind::Configuration),
            (429, None, false, RETRY),
            (502, None, false, RETRY),
            (400, None, false, FailureKind::Blocked),
        ];
        for (status, code, is_about_token, kind) in cases {
            assert_eq!(
                fcm(status, code, is_about_token, AFTER),
                kind,
                "{status} {code:?}"
            );
        }
    }

    #[test]
    fn token_endpoint_statuses() {
        let cases = [
            (400, FailureKind::Configuration),
            (401, FailureKind::Configuration),
            (404, FailureKind::Configuration),
            (422, FailureKind::Configuration),
            (429, RETRY),
            (500, RETRY),
        ];
        for (status, kind) in cases {
            assert_eq!(token_endpoint(status, AFTER), kind, "{status}");
        }
    }
}
