//! Starting a transaction.

use serde::Serialize;
use utoipa::ToSchema;

use super::browser;
use super::idempotent::Idempotent;
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::Fault;
use crate::api::extract::{Fields, FromFields, IdempotencyHeader, Json, WebsiteForm};
use crate::transactions::{StartRequest, Started, method_name};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Starts a transaction: asks a user by push or text message, or makes a one-time password.
    ///
    /// The transaction is saved before anything is sent. The response comes when the push service or
    /// the SMS gateway has accepted the message, at the latest after 3 seconds, while delivery is
    /// still being tried. Errors have a number in `error_code`.
    POST "/oauth/api/v4/authenticate/user" => start_transaction,
        400 "A parameter is missing or malformed (1003), the message is too long (1005), or the \
             phone number is missing or malformed (3001).",
        404 "Mobile authentication or push is switched off (1000), the user is unknown or cannot be \
             asked (1001), SMS is switched off (3000), or the type is unknown (4000).",
        429 "The user was asked too often on this device.",
        503 "The push (1002) or the text message (3002) could not be sent, or the server is busy.";
};

/// The longest text, unless something else bounds it. A body is longer.
const TEXT_BYTES_MAX: usize = 32 * 1024;
/// The longest name in the settings is shorter.
const NAME_BYTES_MAX: usize = 255;
const URI_BYTES_MAX: usize = 2048;
/// The longest language tag in use (RFC 5646 §4.4.1).
const LANGUAGE_BYTES_MAX: usize = 35;

/// A transaction to start.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form, which is read field by field")]
pub(crate) struct StartForm {
    /// The name of an authentication type in the settings. Its method decides what is sent.
    r#type: String,
    /// Push and SMS: the user to ask. Required for them.
    user_id: Option<String>,
    /// Push: the device to ask on. May be omitted if exactly one device qualifies.
    device_id: Option<String>,
    /// Push and OTP: the URL to call when the transaction has ended. Omit it to poll instead.
    callback_uri: Option<String>,
    /// The text that the push shows, or the text message, in which `{code}` stands for the code.
    /// By default, the text that the settings have for the language.
    message: Option<String>,
    /// A text that the app shows and the push does not contain.
    secure_message: Option<String>,
    /// Data that the device signs along with the messages.
    signing_data: Option<String>,
    /// SMS: the phone number in E.164 form, such as `+15055551234`. Required for it.
    phone_number: Option<String>,
    /// The language of the default message, such as `en`.
    language_code: Option<String>,
    /// The IP address of the user's browser. What is none is left out.
    ip_address: Option<String>,
    /// The `User-Agent` of the user's browser. What is longer than 1,024 bytes is cut.
    user_agent: Option<String>,
}

impl FromFields for StartRequest {
    type Schema = StartForm;

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
            ip_address: fields
                .lenient("ip_address")
                .as_deref()
                .and_then(browser::address),
            user_agent: fields
                .lenient("user_agent")
                .as_deref()
                .and_then(browser::user_agent),
        })
    }
}

/// A transaction that was started.
#[derive(Serialize, ToSchema)]
struct StartedTransaction {
    /// A UUID.
    transaction_id: String,
    /// The method in use: `push`, `otp` or `sms`.
    auth_method: &'static str,
    /// How long the user has to answer, in milliseconds.
    time_to_live: u64,
    /// OTP only: the one-time password that the app scans. Keep it secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    otp: Option<String>,
    /// Push only: the device that is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<AskedDevice>,
    /// When the transaction expires, in RFC 3339.
    expires_at: String,
}

/// The device that a push was sent to.
#[derive(Serialize, ToSchema)]
struct AskedDevice {
    name: String,
    /// `ios` or `android`.
    platform: &'static str,
}

impl From<Started> for StartedTransaction {
    fn from(started: Started) -> Self {
        Self {
            transaction_id: started.transaction_id.to_string(),
            auth_method: method_name(started.method),
            time_to_live: started.time_to_live_millis,
            otp: started.otp.map(|otp| otp.expose().to_owned()),
            device: started.device.map(|device| AskedDevice {
                name: device.name,
                platform: device.platform.as_str(),
            }),
            expires_at: started.expires_at.to_rfc3339(),
        }
    }
}

async fn start_transaction(
    api: SharedApi,
    WebsiteForm { client, form, body }: WebsiteForm<StartRequest>,
    key: IdempotencyHeader,
) -> Idempotent<Json<StartedTransaction>> {
    let key = key.of(client.id(), &body);
    let answer = api.app.transactions.start(client.id(), form, key).await;

    Idempotent::new(answer, |started| Json(started.into()))
}
