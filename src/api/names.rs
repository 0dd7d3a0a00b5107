//! Values of the features, by their names on the wire.

use crate::settings::AuthenticationMethod;
use crate::transactions::{Reason, Status};

/// `status` of a transaction.
pub(crate) const fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Accepted => "accepted",
        Status::Denied => "denied",
        Status::Expired => "expired",
        Status::Cancelled => "cancelled",
        Status::Failed => "failed",
    }
}

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

/// `auth_method`, `authentication_method`: lower case.
pub(crate) const fn method(method: AuthenticationMethod) -> &'static str {
    match method {
        AuthenticationMethod::Push => "push",
        AuthenticationMethod::Otp => "otp",
        AuthenticationMethod::Sms => "sms",
    }
}

/// `method` of a type that is available: upper case, as in the settings.
pub(crate) const fn method_upper(method: AuthenticationMethod) -> &'static str {
    match method {
        AuthenticationMethod::Push => "PUSH",
        AuthenticationMethod::Otp => "OTP",
        AuthenticationMethod::Sms => "SMS",
    }
}
