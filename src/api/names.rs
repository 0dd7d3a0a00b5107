//! Values of the features, by their names on the wire.

use crate::transactions::Reason;

/// `reason` of a transaction that was not accepted.
pub(crate) const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::NotAccepted => "not_accepted",
        Reason::InvalidAnswer => "invalid_answer",
        Reason::FailedToSend => "failed_to_send",
        Reason::Expired => "expired",
        Reason::Cancelled => "cancelled",
        Reason::Reported => "reported",
    }
}

/// `description` beside `reason`.
pub(crate) const fn reason_description(reason: Reason) -> &'static str {
    match reason {
        Reason::NotAccepted => "The user denied the request.",
        Reason::InvalidAnswer => "Wrong answers used up the attempts.",
        Reason::FailedToSend => "The message could not be sent.",
        Reason::Expired => "Nobody answered in time.",
        Reason::Cancelled => "The website cancelled the transaction.",
        Reason::Reported => "The user reported that the request was not theirs.",
    }
}
