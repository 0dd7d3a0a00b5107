//! Dates in the claims of JWTs.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::clock::Timestamp;

/// Seconds since the epoch as a JSON number (RFC 7519 §2). A string is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumericDate(Timestamp);

impl NumericDate {
    #[must_use]
    pub const fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // RFC 7519 §2 allows fractions of a second.
        let seconds = serde_json::Number::deserialize(deserializer)?
            .as_f64()
            .filter(|seconds| seconds.is_finite());
        let millis = seconds.ok_or_else(|| D::Error::custom("not a date"))? * 1000.0;

        #[expect(
            clippy::cast_possible_truncation,
            reason = "a cast from f64 saturates, which suits dates so far away"
        )]
        Ok(Self(Timestamp::from_millis(millis as i64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_number() {
        let date = |json: &str| {
            serde_json::from_str(json)
                .ok()
                .map(|date: NumericDate| date.timestamp().as_millis())
        };

        for (json, millis) in [
            ("0", 0),
            ("1800000000", 1_800_000_000_000),
            ("1.5", 1500),
            ("-1", -1000),
        ] {
            assert_eq!(date(json), Some(millis), "{json}");
        }

        assert_eq!(date("1e300"), Some(i64::MAX));

        for json in [
            "\"1800000000\"",
            "\"\"",
            "true",
            "null",
            "[1]",
            "{}",
            "1e999",
            "NaN",
            "0x10",
            "01",
        ] {
            assert_eq!(date(json), None, "{json}");
        }
    }
}
