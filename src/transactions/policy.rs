//! Whether a start fits the configured type, decided purely: what a website asked for and what is
//! configured give a plan or the error the website hears.

use std::sync::Arc;

use super::content::{Content, SmsContent};
use super::state::Limits;
use super::types::{StartRequest, WebsiteError};
use crate::callbacks::Callbacks;
use crate::clock::Timestamp;
use crate::ids::{DeviceId, UserId};
use crate::settings::{AuthenticationMethod, AuthenticationType, Settings};
use crate::sms::{self, PhoneNumber};

/// The longest `secure_message`, in bytes.
const SECURE_MESSAGE_BYTES_MAX: usize = 4_096;
/// The longest `signing_data`, in bytes.
const SIGNING_DATA_BYTES_MAX: usize = 16_384;

/// A start that fits.
pub(super) struct Plan {
    pub(super) authentication_type: Arc<AuthenticationType>,
    pub(super) target: Target,
    pub(super) content: Content,
    pub(super) callback_uri: Option<String>,
    pub(super) limits: Limits,
}

/// Who is asked.
pub(super) enum Target {
    /// A user, on the named device or on the only one.
    Push {
        user: UserId,
        device: Option<DeviceId>,
    },
    /// Whoever scans.
    Otp,
    /// A user, by text message.
    Sms { user: UserId },
}

/// Checks a start against the settings.
pub(super) fn plan(
    settings: &Settings,
    request: StartRequest,
    now: Timestamp,
) -> Result<Plan, WebsiteError> {
    if !settings.mobile_authentication.enabled {
        return Err(WebsiteError::MobileAuthenticationDisabled);
    }
    let authentication_type = Arc::clone(
        settings
            .authentication_types
            .get(&request.type_name)
            .ok_or(WebsiteError::UnknownType)?,
    );
    let (target, sms) = target(settings, &authentication_type, &request)?;
    let content = content(settings, &authentication_type, &request, sms)?;
    if let Some(uri) = &request.callback_uri {
        Callbacks::check(settings, uri)
            .map_err(|refusal| invalid("callback_uri", refusal.to_string()))?;
    }
    let limits = Limits {
        attempts_max: authentication_type.max_attempts,
        resends_max: authentication_type.max_resends,
        expires_at: now.after(authentication_type.time_to_live()),
    };
    Ok(Plan {
        authentication_type,
        target,
        content,
        callback_uri: request.callback_uri,
        limits,
    })
}

fn target(
    settings: &Settings,
    authentication_type: &AuthenticationType,
    request: &StartRequest,
) -> Result<(Target, Option<SmsContent>), WebsiteError> {
    let user = || {
        request
            .user_id
            .clone()
            .ok_or_else(|| invalid("user_id", "is required for this type".to_owned()))
    };
    match authentication_type.method {
        AuthenticationMethod::Push if !settings.mobile_authentication.push_enabled => {
            Err(WebsiteError::PushDisabled)
        }
        AuthenticationMethod::Push => Ok((
            Target::Push {
                user: user()?,
                device: request.device_id.clone(),
            },
            None,
        )),
        AuthenticationMethod::Otp if request.user_id.is_some() => Err(invalid(
            "user_id",
            "must be absent for OTP: whoever scans is the user".to_owned(),
        )),
        AuthenticationMethod::Otp => Ok((Target::Otp, None)),
        AuthenticationMethod::Sms if !settings.mobile_authentication.sms_enabled => {
            Err(WebsiteError::SmsDisabled)
        }
        AuthenticationMethod::Sms => {
            let user = user()?;
            Ok((
                Target::Sms { user },
                Some(sms_content(authentication_type, request)?),
            ))
        }
    }
}

fn sms_content(
    authentication_type: &AuthenticationType,
    request: &StartRequest,
) -> Result<SmsContent, WebsiteError> {
    let phone_number = request
        .phone_number
        .as_deref()
        .ok_or(WebsiteError::InvalidPhoneNumber)?;
    let phone_number: PhoneNumber = phone_number
        .parse()
        .map_err(|_| WebsiteError::InvalidPhoneNumber)?;
    Ok(SmsContent {
        phone_number: phone_number.expose().to_owned(),
        sender_id: authentication_type.sender_id.clone(),
        web_origin: authentication_type.web_origin.clone(),
    })
}

fn content(
    settings: &Settings,
    authentication_type: &AuthenticationType,
    request: &StartRequest,
    sms: Option<SmsContent>,
) -> Result<Content, WebsiteError> {
    let default = || authentication_type.default_message(request.language_code.as_deref());
    let message = request.message.as_deref().or_else(default).ok_or_else(|| {
        invalid(
            "message",
            "is required: the type has no default message in this language or in English"
                .to_owned(),
        )
    })?;
    check_text("message", message)?;
    let characters_max = settings.mobile_authentication.message_characters_max;
    if message.chars().count() > usize::try_from(characters_max).unwrap_or(usize::MAX) {
        return Err(WebsiteError::MessageTooLong { characters_max });
    }
    if sms.is_some() {
        sms::message::check_template(message)
            .map_err(|problem| invalid("message", problem.to_string()))?;
    }
    check_optional(
        "secure_message",
        request.secure_message.as_deref(),
        SECURE_MESSAGE_BYTES_MAX,
    )?;
    check_optional(
        "signing_data",
        request.signing_data.as_deref(),
        SIGNING_DATA_BYTES_MAX,
    )?;
    Ok(Content {
        message: message.to_owned(),
        secure_message: request.secure_message.clone(),
        signing_data: request.signing_data.clone(),
        sms,
        ip_address: request.ip_address,
        user_agent: request.user_agent.clone(),
    })
}

fn check_optional(
    parameter: &'static str,
    text: Option<&str>,
    bytes_max: usize,
) -> Result<(), WebsiteError> {
    let Some(text) = text else { return Ok(()) };
    if text.len() > bytes_max {
        return Err(invalid(
            parameter,
            format!("must not be longer than {bytes_max} bytes"),
        ));
    }
    check_text(parameter, text)
}

/// Refuses what could make a person read something else than what is signed: control characters and
/// those that turn the direction of text (UAX #9), which have no business in a request to approve
/// something.
fn check_text(parameter: &'static str, text: &str) -> Result<(), WebsiteError> {
    let forbidden = |character: char| match character {
        '\n' => false,
        '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{061C}' => true,
        '\u{E0000}'..='\u{E007F}' => true,
        other => other.is_control(),
    };
    if text.chars().any(forbidden) {
        let problem =
            "must not contain control characters or characters that change the direction of text";
        return Err(invalid(parameter, problem.to_owned()));
    }
    if text.is_empty() {
        Err(invalid(parameter, "must not be empty".to_owned()))
    } else {
        Ok(())
    }
}

pub(super) const fn invalid(parameter: &'static str, problem: String) -> WebsiteError {
    WebsiteError::InvalidParameter { parameter, problem }
}
