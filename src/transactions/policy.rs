//! Whether a start fits its authentication type, decided purely: the request and the settings give
//! a plan, or the error that the website hears.

use std::borrow::Cow;
use std::sync::Arc;

use super::content::{Content, SmsContent};
use super::error::{WebsiteError, invalid_parameter};
use super::methods::{self, Addressee, Method};
use super::state::Limits;
use super::text;
use super::types::StartRequest;
use crate::callbacks::Callbacks;
use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, UserId};
use crate::settings::{AuthenticationType, Settings};
use crate::sms;

/// The longest `secure_message`, in bytes.
const SECURE_MESSAGE_BYTES_MAX: usize = 4_096;
/// The longest `signing_data`, in bytes.
const SIGNING_DATA_BYTES_MAX: usize = 16_384;

/// A start that fits.
pub(super) struct Plan {
    pub(super) authentication_type: Arc<AuthenticationType>,
    pub(super) method: &'static Method,
    /// Present unless the method is for [`Addressee::Anyone`].
    pub(super) user: Option<UserId>,
    /// The device that the website names.
    pub(super) device: Option<DeviceId>,
    pub(super) content: Content,
    pub(super) callback_uri: Option<String>,
    pub(super) limits: Limits,
}

/// Checks a start by this website against the settings.
pub(super) fn plan(
    settings: &Settings,
    client: &ClientId,
    request: StartRequest,
    now: Timestamp,
) -> Result<Plan, WebsiteError> {
    if !settings.mobile_authentication.enabled {
        return Err(WebsiteError::MobileAuthenticationDisabled);
    }

    let authentication_type = settings
        .authentication_types
        .get(&request.type_name)
        .ok_or(WebsiteError::UnknownType)?;
    let method = methods::of(authentication_type.method);
    (method.check_enabled)(settings)?;

    check_user(method.addressee, request.user_id.as_ref())?;
    let sms = (method.sms_content)(authentication_type, &request)?;
    let content = content(settings, authentication_type, &request, sms)?;

    if let Some(uri) = &request.callback_uri {
        // Now, so that the website hears of it. When the callback is sent, the settings of that
        // time decide.
        Callbacks::check(settings, client, uri)
            .map_err(|refusal| invalid_parameter("callback_uri", refusal.to_string()))?;
    }

    Ok(Plan {
        authentication_type: Arc::clone(authentication_type),
        method,
        user: request.user_id,
        device: request.device_id,
        content,
        callback_uri: request.callback_uri,
        limits: Limits {
            attempts_max: authentication_type.max_attempts,
            resends_max: authentication_type.max_resends,
            expires_at: now.after(authentication_type.time_to_live()),
        },
    })
}

fn check_user(addressee: Addressee, user: Option<&UserId>) -> Result<(), WebsiteError> {
    match (addressee, user) {
        (Addressee::Device | Addressee::User, Some(_)) | (Addressee::Anyone, None) => Ok(()),
        (Addressee::Device | Addressee::User, None) => {
            Err(invalid_parameter("user_id", "is required for this type"))
        }
        (Addressee::Anyone, Some(_)) => Err(invalid_parameter(
            "user_id",
            "must be absent for OTP: whoever scans is the user",
        )),
    }
}

fn content(
    settings: &Settings,
    authentication_type: &AuthenticationType,
    request: &StartRequest,
    sms: Option<SmsContent>,
) -> Result<Content, WebsiteError> {
    let default = || authentication_type.default_message(request.language_code.as_deref());
    let message = request.message.as_deref().or_else(default).ok_or_else(|| {
        let problem = "is required: the type has no default message in this language or in English";
        invalid_parameter("message", problem)
    })?;

    // The default message too: people type that as well.
    let message = text::folded(message);
    text::check("message", &message)?;
    let characters_max = settings.mobile_authentication.message_characters_max;
    // In characters and not in bytes: it is what people read that must fit on the screen.
    if message.chars().count() > usize::try_from(characters_max).unwrap_or(usize::MAX) {
        return Err(WebsiteError::MessageTooLong { characters_max });
    }

    if sms.is_some() {
        sms::message::check_template(&message)
            .map_err(|problem| invalid_parameter("message", problem.to_string()))?;
    }

    let secure_message = request.secure_message.as_deref().map(text::folded);
    text::check_optional(
        "secure_message",
        secure_message.as_deref(),
        SECURE_MESSAGE_BYTES_MAX,
    )?;

    // Signed byte for byte: what it means is the website's matter.
    let signing_data = request.signing_data.clone();
    text::check_optional(
        "signing_data",
        signing_data.as_deref(),
        SIGNING_DATA_BYTES_MAX,
    )?;

    Ok(Content {
        message: message.into_owned(),
        secure_message: secure_message.map(Cow::into_owned),
        signing_data,
        sms,
        ip_address: request.ip_address,
        user_agent: request.user_agent.clone(),
    })
}
