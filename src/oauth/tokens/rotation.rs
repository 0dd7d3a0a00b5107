//! Rotation of refresh tokens (RFC 9700 §4.14.2), decided purely.
//!
//! Of a family only the token of the last generation is good. The one before it is good for a
//! moment more, because answers get lost, and gives the same successor. Any older one was stolen,
//! or is used by a thief's victim.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::store::rows::RefreshTokenRow;

/// What becomes of a refresh token that was presented by the client it was issued to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oauth) enum RotationVerdict {
    /// It gives a successor.
    Rotate,
    /// It gives the successor it has given before.
    Repeat,
    /// It was used before: what it rests on is revoked.
    Reused,
    /// It is of no use any more.
    Expired,
}

/// Decides about a token of this generation.
pub(in crate::oauth) fn decide(
    family: &RefreshTokenRow,
    presented_generation: i32,
    grace: Duration,
    now: Timestamp,
) -> RotationVerdict {
    if presented_generation == family.generation {
        let alive = now.as_millis() < family.expires_at;
        return if alive {
            RotationVerdict::Rotate
        } else {
            RotationVerdict::Expired
        };
    }
    let rotated_at = Timestamp::from_millis(family.issued_at);
    let is_predecessor = presented_generation.checked_add(1) == Some(family.generation);
    // A clock that went back does not make the moment longer.
    let in_grace = now <= rotated_at.after(grace) && rotated_at <= now.after(grace);
    if is_predecessor && in_grace && !grace.is_zero() {
        RotationVerdict::Repeat
    } else {
        RotationVerdict::Reused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROTATED: i64 = 1_000_000;
    const GRACE: Duration = Duration::from_secs(10);

    fn family(generation: i32) -> RefreshTokenRow {
        RefreshTokenRow {
            id: vec![1],
            grant_id: vec![2],
            authenticator: "default".to_owned(),
            jkt: None,
            generation,
            issued_at: ROTATED,
            expires_at: ROTATED + 60_000,
        }
    }

    #[test]
    fn the_generation_decides() {
        let at = |millis| Timestamp::from_millis(ROTATED + millis);
        for (presented, grace, now, expected) in [
            (5, GRACE, at(0), RotationVerdict::Rotate),
            (5, GRACE, at(59_999), RotationVerdict::Rotate),
            (5, GRACE, at(60_000), RotationVerdict::Expired),
            (5, GRACE, at(-3_600_000), RotationVerdict::Rotate),
            (4, GRACE, at(0), RotationVerdict::Repeat),
            (4, GRACE, at(10_000), RotationVerdict::Repeat),
            (4, GRACE, at(10_001), RotationVerdict::Reused),
            (4, GRACE, at(-10_001), RotationVerdict::Reused),
            (4, Duration::ZERO, at(0), RotationVerdict::Reused),
            (3, GRACE, at(0), RotationVerdict::Reused),
            (0, GRACE, at(0), RotationVerdict::Reused),
            (6, GRACE, at(0), RotationVerdict::Reused),
            (i32::MAX, GRACE, at(0), RotationVerdict::Reused),
            (-1, GRACE, at(0), RotationVerdict::Reused),
        ] {
            assert_eq!(
                decide(&family(5), presented, grace, now),
                expected,
                "{presented} at {now:?}"
            );
        }
    }
}
