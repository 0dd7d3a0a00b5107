//! What a refusal by APNs means.

use std::time::Duration;

use a2::response::ErrorReason;

use crate::clock::Timestamp;
use crate::egress::FailureKind;

/// By Apple's reason, or by the status where the reason is not known.
pub(super) const fn classify(
    status: u16,
    reason: Option<&ErrorReason>,
    since: Option<Timestamp>,
    after: Option<Duration>,
) -> FailureKind {
    use ErrorReason as Reason;

    let Some(reason) = reason else {
        return match status {
            410 => FailureKind::DeadAddress { since },
            _ => FailureKind::from_status(status, after),
        };
    };

    match reason {
        Reason::Unregistered => FailureKind::DeadAddress { since },
        Reason::BadDeviceToken | Reason::MissingDeviceToken => {
            FailureKind::DeadAddress { since: None }
        }
        // Address and topic do not belong together. It may be the topic that is wrong, and no user
        // should have to enrol again because of that.
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
    fn reasons() {
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
            (502, "SomethingNew", FailureKind::Doubtful),
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
                classify(status, known.as_ref(), SINCE, AFTER),
                kind,
                "{status} {reason}"
            );
        }
    }
}
