//! `PUSH`: a push to the user's device, accepted there with a tap.

use super::message::{Message, MessageKind, Outgoing};
use super::method::{Addressee, AnsweredBy, Events, Method, Sends};
use crate::devices::PushTarget;
use crate::ids::DeviceId;
use crate::push::PushMessage;
use crate::secret::SecretString;
use crate::settings::AuthenticationMethod;
use crate::transactions::error::{WebsiteError, invalid_parameter};
use crate::users::events::EventType;

pub(super) const PUSH: Method = Method {
    id: AuthenticationMethod::Push,
    name: "push",
    column: 1,
    addressee: Addressee::Device,
    prompts: true,
    calls_back: true,
    answered_by: AnsweredBy::Device {
        authenticators: &["device"],
    },
    sends: Some(Sends {
        kind: MessageKind::Push,
        message,
    }),
    password: None,
    events: Events {
        started: EventType::PushAuthInitialized,
        resent: EventType::PushAuthResendSuccess,
        wrong_answer: EventType::MobileAuthInvalidAnswer,
        accepted: EventType::MobileAuthAuthenticated,
        attempts_used_up: EventType::PushAuthValidationLimitExceeded,
        not_sent: EventType::PushAuthPushServiceFailure,
    },
    check_enabled: |settings| {
        if settings.mobile_authentication.push_enabled {
            Ok(())
        } else {
            Err(WebsiteError::PushDisabled)
        }
    },
    is_configured: |_| true,
    sms_content: |_, _| Ok(None),
};

fn message(outgoing: &Outgoing<'_>) -> Option<Message> {
    let recipient = outgoing.recipient;
    let message = PushMessage {
        transaction_id: Some(outgoing.id),
        profile_id: recipient.profile?,
        message: SecretString::new(outgoing.content.message.clone()),
        expires_at: outgoing.expires_at,
    };

    Some(Message::Push {
        device: recipient.device.clone()?,
        destination: recipient.destination.clone(),
        message,
    })
}

/// The device to ask: the one that the website names, or the only one.
pub(in crate::transactions) fn choose_device(
    targets: Vec<PushTarget>,
    named: Option<&DeviceId>,
) -> Result<PushTarget, WebsiteError> {
    let mut fitting = targets
        .into_iter()
        .filter(|target| named.is_none_or(|named| target.device_id == *named));

    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only),
        // Whether the device is unknown, another user's or out of reach: a website is not told which.
        (None, _) => Err(WebsiteError::NoWayToAsk),
        (Some(_), Some(_)) => Err(invalid_parameter(
            "device_id",
            "is required: several devices of this user qualify",
        )),
    }
}
