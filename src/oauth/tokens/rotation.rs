//! Rotation of refresh tokens (RFC 9700 §4.14.2). Pure.
//!
//! Of a family only the token of the last generation is good. The one before it gives the same
//! successor again for a short time, because answers get lost. An older one was stolen, or is used
//! by the victim of a thief.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::oauth::model::RefreshFamily;

/// What becomes of a refresh token that was presented by the client it was issued to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// It gives a successor.
    Rotate,
    /// It gives the successor it has given before.
    Repeat,
    /// It was used before: what it rests on is revoked.
    Reused,
    Expired,
}

/// Decides about a token of this generation.
pub(crate) fn decide(
    family: &RefreshFamily,
    presented_generation: i32,
    grace: Duration,
    now: Timestamp,
) -> Rotation {
    if presented_generation == family.generation {
        // That it is too late is no sign of a theft: nothing is revoked.
        return if now < family.expires_at {
            Rotation::Rotate
        } else {
            Rotation::Expired
        };
    }

    let rotated_at = family.issued_at;
    let is_predecessor = presented_generation.checked_add(1) == Some(family.generation);

    // A clock that was set back does not extend the grace period.
    let is_in_grace = now <= rotated_at.after(grace) && rotated_at <= now.after(grace);

    if is_predecessor && is_in_grace && !grace.is_zero() {
        Rotation::Repeat
    } else {
        Rotation::Reused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{GrantId, RefreshFamilyId};

    const ROTATED: i64 = 1_000_000;
    const GRACE: Duration = Duration::from_secs(10);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(ROTATED + millis)
    }

    fn family(generation: i32) -> RefreshFamily {
        RefreshFamily {
            id: RefreshFamilyId::from_bytes([1; 16]),
            grant_id: GrantId::from_bytes([2; 16]),
            authenticator: None,
            jkt: None,
            generation,
            issued_at: at(0),
            expires_at: at(60_000),
        }
    }

    #[test]
    fn the_generation_decides() {
        for (presented, grace, now, expected) in [
            (5, GRACE, at(0), Rotation::Rotate),
            (5, GRACE, at(59_999), Rotation::Rotate),
            (5, GRACE, at(60_000), Rotation::Expired),
            (5, GRACE, at(-3_600_000), Rotation::Rotate),
            (4, GRACE, at(0), Rotation::Repeat),
            (4, GRACE, at(10_000), Rotation::Repeat),
            (4, GRACE, at(10_001), Rotation::Reused),
            (4, GRACE, at(-10_001), Rotation::Reused),
            (4, Duration::ZERO, at(0), Rotation::Reused),
            (3, GRACE, at(0), Rotation::Reused),
            (0, GRACE, at(0), Rotation::Reused),
            (6, GRACE, at(0), Rotation::Reused),
            (i32::MAX, GRACE, at(0), Rotation::Reused),
            (-1, GRACE, at(0), Rotation::Reused),
        ] {
            assert_eq!(
                decide(&family(5), presented, grace, now),
                expected,
                "{presented} at {now:?}"
            );
        }
    }
}
