//! Apple's push service. It only accepts HTTP/2, checks provider tokens and gives Apple's reasons.

use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::exchange::{Answer, Request};
use super::fault::{Fault, Provider};
use super::jwt::{self, Algorithm};
use super::shared::State;

const PAYLOAD_BYTES_MAX: usize = 4096;
/// A provider token expires an hour after its `iat`.
const TOKEN_LIFETIME_SECS: i64 = 3600;
/// A connection must not replace its provider token sooner than this.
const TOKEN_REPLACE_SECS: i64 = 20 * 60;

pub(super) const BEHAVIOUR: Behaviour = Behaviour {
    provider: Provider::Apns,
    recipient,
    answer,
    fail,
};

/// The device token in the path.
fn recipient(request: &Request) -> String {
    request
        .path
        .strip_prefix("/3/device/")
        .unwrap_or_default()
        .to_owned()
}

fn answer(state: &State, request: &Request) -> Answer {
    match check(state, request) {
        Ok(()) => Answer::empty(200),
        Err((status, reason)) => error(status, reason, None),
    }
    .with_apns_id(request)
}

fn fail(state: &State, fault: &Fault, status: u16) -> Answer {
    let reason = fault.reason.as_deref().unwrap_or(match status {
        410 => "Unregistered",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalServerError",
    });

    let since =
        (status == 410).then(|| fault.since_millis.unwrap_or(state.clock.now().as_millis()));
    error(status, reason, since)
}

fn error(status: u16, reason: &str, since: Option<i64>) -> Answer {
    let mut body = json!({ "reason": reason });
    if let (Some(since), Value::Object(members)) = (since, &mut body) {
        members.insert("timestamp".to_owned(), since.into());
    }
    Answer::json(status, body)
}

/// A status and Apple's reason for it.
type Error = (u16, &'static str);

fn check(state: &State, request: &Request) -> Result<(), Error> {
    if !request.is_http2 {
        return Err((505, "BadProtocol"));
    }

    if request.method != "POST" {
        return Err((405, "MethodNotAllowed"));
    }

    let device = request
        .path
        .strip_prefix("/3/device/")
        .ok_or((404, "BadPath"))?;

    check_provider_token(state, request)?;
    check_headers(request)?;

    if device.is_empty() {
        return Err((400, "MissingDeviceToken"));
    }

    let is_hexadecimal = device.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hexadecimal || device.len() < 64 || device.len() > 200 || device.len() % 2 != 0 {
        return Err((400, "BadDeviceToken"));
    }

    check_payload(request)
}

fn check_provider_token(state: &State, request: &Request) -> Result<(), Error> {
    let token = request.bearer().ok_or((403, "MissingProviderToken"))?;
    let invalid = (403, "InvalidProviderToken");
    let jwt = jwt::verify(token, Algorithm::Es256, &state.keys.apns).ok_or(invalid)?;

    let key_id = jwt.header.get("kid").and_then(Value::as_str);
    let is_ours = key_id == Some(&state.credentials.apns_key_id)
        && jwt.text("iss") == Some(&state.credentials.apns_team_id);
    let issued_at = jwt.time("iat").filter(|_| is_ours).ok_or(invalid)?;

    let age = state.clock.now().as_secs() - issued_at;
    if age < -60 {
        return Err(invalid);
    }

    if age > TOKEN_LIFETIME_SECS {
        return Err((403, "ExpiredProviderToken"));
    }

    check_token_replaced(request, token, issued_at)
}

/// Refuses a new provider token on a connection that changed it less than 20 minutes ago.
fn check_token_replaced(request: &Request, token: &str, issued_at: i64) -> Result<(), Error> {
    let Some(connection) = &request.connection else {
        return Ok(());
    };

    let mut current = connection.provider_token.lock();
    match &*current {
        Some((known, _)) if known == token => Ok(()),
        Some((_, since)) if issued_at - since < TOKEN_REPLACE_SECS => {
            Err((429, "TooManyProviderTokenUpdates"))
        }
        _ => {
            *current = Some((token.to_owned(), issued_at));
            Ok(())
        }
    }
}

fn check_headers(request: &Request) -> Result<(), Error> {
    if request.header("apns-topic").is_none_or(str::is_empty) {
        return Err((400, "MissingTopic"));
    }

    let known_types = [
        "alert",
        "background",
        "voip",
        "complication",
        "fileprovider",
        "mdm",
        "location",
        "liveactivity",
    ];

    if request
        .header("apns-push-type")
        .is_none_or(|kind| !known_types.contains(&kind))
    {
        return Err((400, "InvalidPushType"));
    }

    if request
        .header("apns-priority")
        .is_some_and(|priority| !["1", "5", "10"].contains(&priority))
    {
        return Err((400, "BadPriority"));
    }

    if request
        .header("apns-expiration")
        .is_some_and(|time| time.parse::<i64>().is_err())
    {
        return Err((400, "BadExpirationDate"));
    }

    let id = request.header("apns-id");
    if id.is_some_and(|id| id.len() != 36 || uuid::Uuid::try_parse(id).is_err()) {
        return Err((400, "BadMessageId"));
    }

    Ok(())
}

fn check_payload(request: &Request) -> Result<(), Error> {
    if request.body.len() > PAYLOAD_BYTES_MAX {
        return Err((413, "PayloadTooLarge"));
    }

    let payload = request.fields();
    if payload.get("aps").is_some_and(Value::is_object) {
        Ok(())
    } else {
        Err((400, "PayloadEmpty"))
    }
}

impl Answer {
    fn with_apns_id(mut self, request: &Request) -> Self {
        self.headers.extend(
            request
                .header("apns-id")
                .map(|id| ("apns-id", id.to_owned())),
        );

        self
    }
}
