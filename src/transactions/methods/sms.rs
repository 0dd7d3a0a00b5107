//! `SMS`: a six-digit code in a text message, typed on the website's page.

use super::message::{Message, MessageKind, Outgoing};
use super::method::{Addressee, AnsweredBy, Events, Method, Sends};
use crate::otp::SmsCode;
use crate::secret::SecretString;
use crate::settings::{AuthenticationMethod, AuthenticationType};
use crate::sms::{self, PhoneNumber, SmsMessage};
use crate::transactions::content::SmsContent;
use crate::transactions::error::{PhoneNumberProblem, WebsiteError};
use crate::transactions::types::StartRequest;
use crate::users::events::EventType;

pub(super) const SMS: Method = Method {
    id: AuthenticationMethod::Sms,
    name: "sms",
    column: 3,
    addressee: Addressee::User,
    prompts: false,
    // The website learns the result from the code that it hands over.
    calls_back: false,
    answered_by: AnsweredBy::Code {
        compare: |keyring, id, entry| SmsCode::of(keyring, id).compare(entry),
    },
    sends: Some(Sends {
        kind: MessageKind::Sms,
        message,
    }),
    password: None,
    events: Events {
        started: EventType::SmsAuthInitMessageSent,
        resent: EventType::SmsResendSucceeded,
        wrong_answer: EventType::SmsAuthNotAuthenticatedInvalidVerificationCode,
        accepted: EventType::SmsAuthAuthenticated,
        attempts_used_up: EventType::SmsAuthValidationLimitExceeded,
        not_sent: EventType::SmsAuthInitFailureFailedToSendSms,
    },
    check_enabled: |settings| {
        if settings.mobile_authentication.sms_enabled {
            Ok(())
        } else {
            Err(WebsiteError::SmsDisabled)
        }
    },
    is_configured: |settings| settings.sms.is_some(),
    sms_content,
};

fn sms_content(
    authentication_type: &AuthenticationType,
    request: &StartRequest,
) -> Result<Option<SmsContent>, WebsiteError> {
    // Checked here and not with the other parameters: the documented API has a code of its own for
    // it.
    let given = request.phone_number.as_deref();
    let phone_number: PhoneNumber = given
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| WebsiteError::InvalidPhoneNumber(PhoneNumberProblem::of(given)))?;

    Ok(Some(SmsContent {
        phone_number: phone_number.expose().to_owned(),
        sender_id: authentication_type.sender_id.clone(),
        web_origin: authentication_type.web_origin.clone(),
    }))
}

fn message(outgoing: &Outgoing<'_>) -> Option<Message> {
    let sms = outgoing.content.sms.as_ref()?;
    let template = &outgoing.content.message;
    let code = SmsCode::of(outgoing.keyring, outgoing.id);

    Some(Message::Sms(SmsMessage {
        to: sms.phone_number.parse().ok()?,
        text: sms::message::render(template, code.expose(), sms.web_origin.as_deref()),
        code: SecretString::new(code.expose().to_owned()),
        sender_id: sms.sender_id.clone(),
    }))
}
