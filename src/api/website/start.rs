//! Starting a transaction.

use std::net::IpAddr;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::respond;
use crate::api::Api;
use crate::api::error::{Fault, WebsiteBody};
use crate::api::extract::{By, ClientForm, Fields, FromFields, IdempotencyHeader, WebsiteForm};
use crate::transactions::{StartRequest, Started, method_name};

/// The longest text nothing else bounds: less than a body.
const TEXT_BYTES_MAX: usize = 32 * 1024;
/// Longer than any name in the settings.
const NAME_BYTES_MAX: usize = 255;
/// Browsers send a few hundred.
const USER_AGENT_BYTES_MAX: usize = 1024;
/// The longest address called back to.
const URI_BYTES_MAX: usize = 2048;
/// The longest tag of RFC 5646 that is in use.
const LANGUAGE_BYTES_MAX: usize = 35;

/// The form, as the documentation has it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form, which is read field by field")]
pub(crate) struct StartForm {
    /// The configured authentication type.
    r#type: String,
    /// Push and SMS: whom to ask.
    user_id: Option<String>,
    /// Push: on which device; may be left out when exactly one qualifies.
    device_id: Option<String>,
    /// Push and OTP: where to call back; left out by a website that polls.
    callback_uri: Option<String>,
    /// Shown in the push or sent as the text message (`{code}` is the code's place).
    message: Option<String>,
    /// Shown on the phone, never in the push.
    secure_message: Option<String>,
    /// To be signed along.
    signing_data: Option<String>,
    /// SMS: E.164, such as `+15055551234`.
    phone_number: Option<String>,
    /// Picks the default message.
    language_code: Option<String>,
    /// Of the user's browser.
    ip_address: Option<String>,
    /// Of the user's browser.
    user_agent: Option<String>,
}

impl FromFields for StartRequest {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            type_name: fields.required_text("type", NAME_BYTES_MAX)?,
            user_id: fields.parsed("user_id")?,
            device_id: fields.parsed("device_id")?,
            callback_uri: fields.text("callback_uri", URI_BYTES_MAX)?,
            message: fields.text("message", TEXT_BYTES_MAX)?,
            secure_message: fields.text("secure_message", TEXT_BYTES_MAX)?,
            signing_data: fields.text("signing_data", TEXT_BYTES_MAX)?,
            phone_number: fields.text("phone_number", NAME_BYTES_MAX)?,
            language_code: fields.text("language_code", LANGUAGE_BYTES_MAX)?,
            ip_address: fields.parsed::<IpAddr>("ip_address")?,
            user_agent: fields.text("user_agent", USER_AGENT_BYTES_MAX)?,
        })
    }
}

/// A transaction was started.
#[derive(Serialize, ToSchema)]
pub(crate) struct StartAnswer {
    /// UUID.
    transaction_id: String,
    /// The method that runs: `push`, `otp`, `sms`.
    auth_method: &'static str,
    /// Milliseconds.
    time_to_live: u64,
    /// OTP: what the phone scans. A secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    otp: Option<String>,
    /// Push: who is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceAnswer>,
    /// RFC 3339.
    expires_at: String,
}

/// The device a push went to.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceAnswer {
    name: String,
    /// `ios`, `android`.
    platform: &'static str,
}

impl From<Started> for StartAnswer {
    fn from(started: Started) -> Self {
        Self {
            transaction_id: started.transaction_id.to_string(),
            auth_method: method_name(started.method),
            time_to_live: started.time_to_live_millis,
            otp: started.otp.map(|otp| otp.expose().to_owned()),
            device: started.device.map(|device| DeviceAnswer {
                name: device.name,
                platform: device.platform.as_str(),
            }),
            expires_at: started.expires_at.to_rfc3339(),
        }
    }
}

/// Starts a transaction: push and SMS with `user_id`, OTP without.
///
/// It is durable before anything is sent. The answer comes when the provider has taken the message,
/// or after 3 s while delivery is still being tried.
#[utoipa::path(
    post,
    path = "/oauth/api/v4/authenticate/user",
    tag = "Mobile authentication",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body(content = StartForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = StartAnswer), (status = "default", body = WebsiteBody)),
    security(("basic" = [])),
)]
pub(crate) async fn start(
    api: web::Data<Api>,
    By(request, key): By<WebsiteForm<StartRequest>, IdempotencyHeader>,
) -> HttpResponse {
    let ClientForm { client, form, body } = request;
    let key = key.of(client.id(), &body);
    let answer = api.app().transactions.start(client.id(), form, key).await;
    respond(answer, |started| {
        HttpResponse::Ok().json(StartAnswer::from(started))
    })
}
