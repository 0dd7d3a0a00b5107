//! Websites: mobile authentication, version 4. Versions 3 and 2 get files of their own beside
//! these.

mod answer;
pub(crate) mod availability;
pub(crate) mod result;
pub(crate) mod sms;
pub(crate) mod start;

pub(crate) use availability::{available, available_on_device};
pub(crate) use result::{cancel, resend, result};
pub(crate) use sms::{resend_sms, verify_sms};
pub(crate) use start::start;
