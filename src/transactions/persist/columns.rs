//! What the columns' numbers mean.

use super::Corrupt;
use crate::settings::AuthenticationMethod;
use crate::store::rows::transaction_method;
use crate::transactions::state::Ending;

/// The column of a method.
pub(super) const fn method_column(method: AuthenticationMethod) -> i16 {
    match method {
        AuthenticationMethod::Push => transaction_method::PUSH,
        AuthenticationMethod::Otp => transaction_method::OTP,
        AuthenticationMethod::Sms => transaction_method::SMS,
    }
}

/// The method in a row.
pub(in crate::transactions) const fn method_of(
    column: i16,
) -> Result<AuthenticationMethod, Corrupt> {
    match column {
        transaction_method::PUSH => Ok(AuthenticationMethod::Push),
        transaction_method::OTP => Ok(AuthenticationMethod::Otp),
        transaction_method::SMS => Ok(AuthenticationMethod::Sms),
        _ => Err(Corrupt),
    }
}

/// `status` and `reason` of an ending. Pending is `0` and no reason.
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

pub(super) const fn ending_of(status: i16, reason: Option<i16>) -> Result<Option<Ending>, Corrupt> {
    match (status, reason) {
        (0, None) => Ok(None),
        (1, None) => Ok(Some(Ending::Accepted)),
        (2, Some(1)) => Ok(Some(Ending::Denied)),
        (2, Some(2)) => Ok(Some(Ending::Reported)),
        (3, None) => Ok(Some(Ending::Expired)),
        (4, None) => Ok(Some(Ending::Cancelled)),
        (5, Some(1)) => Ok(Some(Ending::InvalidAnswer)),
        (5, Some(2)) => Ok(Some(Ending::FailedToSend)),
        _ => Err(Corrupt),
    }
}

pub(super) fn column(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

pub(super) fn count(column: i32) -> Result<u32, Corrupt> {
    u32::try_from(column).map_err(|_| Corrupt)
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
            assert_eq!(ending_of(status, reason).unwrap(), Some(ending));
        }
        assert!(ending_of(0, Some(1)).is_err() && ending_of(9, None).is_err());
    }
}
