//! `OTP`: the website shows a long one-time password, usually as a QR code. Whoever scans it is the
//! user, and answers on the device.

use super::method::{Addressee, Events, Method};
use super::push::PUSH;
use crate::otp;
use crate::settings::AuthenticationMethod;
use crate::users::events::EventType;

pub(super) const OTP: Method = Method {
    id: AuthenticationMethod::Otp,
    name: "otp",
    column: 2,
    addressee: Addressee::Anyone,
    prompts: false,
    sends: None,
    password: Some(otp::one_time_password),
    events: Events {
        started: EventType::OtpAuthInitialized,
        ..PUSH.events
    },
    check_enabled: |_| Ok(()),
    // Called back and answered like a push.
    ..PUSH
};
