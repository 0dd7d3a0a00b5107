//! The values of the columns `status`, `reason` and the counters.

use crate::transactions::state::Ending;

/// `status` and `reason` of an ending. Pending is `0` without a reason.
pub(super) const fn columns_of(ending: Ending) -> (i16, Option<i16>) {
    match ending {
        Ending::Accepted => (1, None),
        Ending::Denied => (2, Some(1)),
        Ending::Reported => (2, Some(2)),
        Ending::Expired => (3, None),
        Ending::Cancelled => (4, None),
        Ending::InvalidAnswer => (5, Some(1)),
        Ending::FailedToSend => (5, Some(2)),
    }
}

/// The state of `status` and `reason`: `None` for values that are never written, `Some(None)` while
/// the transaction is pending.
pub(super) const fn ending_of(status: i16, reason: Option<i16>) -> Option<Option<Ending>> {
    let ending = match (status, reason) {
        (0, None) => return Some(None),
        (1, None) => Ending::Accepted,
        (2, Some(1)) => Ending::Denied,
        (2, Some(2)) => Ending::Reported,
        (3, None) => Ending::Expired,
        (4, None) => Ending::Cancelled,
        (5, Some(1)) => Ending::InvalidAnswer,
        (5, Some(2)) => Ending::FailedToSend,
        _ => return None,
    };

    Some(Some(ending))
}

/// The column of a counter. Limits are configured and far below the largest value.
pub(super) fn column(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_is_read_as_it_was_written() {
        let endings = [
            Ending::Accepted,
            Ending::Denied,
            Ending::Reported,
            Ending::Expired,
            Ending::Cancelled,
            Ending::InvalidAnswer,
            Ending::FailedToSend,
        ];

        for ending in endings {
            let (status, reason) = columns_of(ending);
            assert_eq!(ending_of(status, reason), Some(Some(ending)));
        }

        assert_eq!(ending_of(0, None), Some(None));
        assert_eq!(ending_of(0, Some(1)), None);
        assert_eq!(ending_of(9, None), None);
    }
}
