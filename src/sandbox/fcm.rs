//! Google's push service with its HTTP v1 API, and the token endpoint, which exchanges the assertion
//! of a service account for an access token.

use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::credentials::hex;
use super::exchange::{Answer, Request};
use super::fault::{Fault, Provider};
use super::jwt::{self, Algorithm};
use super::shared::State;

const TOKEN_LIFETIME_SECS: i64 = 3600;
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// The largest `data` of a message, in bytes of names and values.
const DATA_BYTES_MAX: usize = 4096;

pub(super) const SENDING: Behaviour = Behaviour {
    provider: Provider::Fcm,
    recipient,
    answer,
    fail,
};

pub(super) const TOKEN_ENDPOINT: Behaviour = Behaviour {
    provider: Provider::FcmToken,
    recipient,
    answer,
    fail: fail_token,
};

/// Whether a request is for the token endpoint.
pub(super) fn is_token_request(request: &Request) -> bool {
    request.path == "/token"
}

/// The registration token that a message is for.
fn recipient(request: &Request) -> String {
    let fields = request.fields();
    fields
        .pointer("/message/token")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn answer(state: &State, request: &Request) -> Answer {
    if request.method != "POST" {
        return error(405, None);
    }

    if is_token_request(request) {
        exchange(state, request)
    } else {
        send(state, request)
    }
}

fn fail(_: &State, fault: &Fault, status: u16) -> Answer {
    let reason = fault
        .reason
        .as_deref()
        .or((status == 404).then_some("UNREGISTERED"));
    error(status, reason)
}

/// The token endpoint has OAuth's errors.
fn fail_token(_: &State, fault: &Fault, status: u16) -> Answer {
    let default = if status < 500 {
        "invalid_grant"
    } else {
        "temporarily_unavailable"
    };

    Answer::json(
        status,
        json!({ "error": fault.reason.as_deref().unwrap_or(default) }),
    )
}

/// Exchanges an assertion for an access token (RFC 7523 §2.1) like Google does.
fn exchange(state: &State, request: &Request) -> Answer {
    let form = request.fields();
    let parameter = |name: &str| form.get(name).and_then(Value::as_str).unwrap_or_default();

    if parameter("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return token_error("unsupported_grant_type", "Invalid grant_type");
    }

    let Some(assertion) = jwt::verify(parameter("assertion"), Algorithm::Rs256, &state.keys.fcm)
    else {
        return token_error("invalid_grant", "Invalid JWT Signature.");
    };

    let now = state.clock.now().as_secs();

    let (issued, expires) = (
        assertion.time("iat").unwrap_or(i64::MAX),
        assertion.time("exp").unwrap_or(0),
    );
    let is_timely = issued <= now + 60 && expires > now && expires - issued <= TOKEN_LIFETIME_SECS;
    if !is_timely {
        return token_error(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token",
        );
    }

    if assertion.text("iss") != Some(&state.keys.fcm_email)
        || assertion.text("aud") != Some(&state.token_uri())
    {
        return token_error("invalid_grant", "Invalid JWT: issuer or audience");
    }

    if !assertion
        .text("scope")
        .is_some_and(|scope| scope.split(' ').any(|one| one == SCOPE))
    {
        return token_error(
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
        );
    }

    let token = format!("ya29.{}", hex::<32>());
    state.store_access_token(token.clone(), now + TOKEN_LIFETIME_SECS);

    Answer::json(
        200,
        json!({ "access_token": token, "expires_in": TOKEN_LIFETIME_SECS, "token_type": "Bearer" }),
    )
}

fn token_error(error: &str, description: &str) -> Answer {
    Answer::json(
        400,
        json!({ "error": error, "error_description": description }),
    )
}

fn send(state: &State, request: &Request) -> Answer {
    if request.path != format!("/v1/projects/{}/messages:send", state.keys.fcm_project) {
        return error(404, None);
    }

    if !request
        .bearer()
        .is_some_and(|token| state.is_access_token(token))
    {
        return error(401, None);
    }

    let body = request.fields();
    let token = body.pointer("/message/token").and_then(Value::as_str);
    if token.is_none_or(|token| token.is_empty() || token.contains(char::is_whitespace)) {
        return error(400, Some("INVALID_ARGUMENT"));
    }

    if let Some(field) = invalid_field(&body) {
        return invalid_argument(&field);
    }

    let id = format!(
        "projects/{}/messages/0:{}",
        state.keys.fcm_project,
        hex::<8>()
    );

    Answer::json(200, json!({ "name": id }))
}

/// The name of an invalid field, if there is one. `data` must consist of short texts; `ttl` is a
/// number of seconds followed by `s`.
fn invalid_field(body: &Value) -> Option<String> {
    if let Some(data) = body.pointer("/message/data").and_then(Value::as_object) {
        if let Some((name, _)) = data.iter().find(|(_, value)| !value.is_string()) {
            return Some(format!("message.data.{name}"));
        }

        let bytes: usize = data
            .iter()
            .map(|(name, value)| name.len() + value.as_str().map_or(0, str::len))
            .sum();
        if bytes > DATA_BYTES_MAX {
            return Some("message.data".to_owned());
        }
    }

    let ttl = body.pointer("/message/android/ttl")?;
    let seconds = ttl
        .as_str()
        .and_then(|text| text.strip_suffix('s'))
        .and_then(|text| text.parse::<f64>().ok());

    seconds
        .is_none_or(|seconds| seconds < 0.0)
        .then(|| "message.android.ttl".to_owned())
}

fn invalid_argument(field: &str) -> Answer {
    let violation = json!([{ "field": field, "description": "Invalid value" }]);
    let details = json!([{ "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violation }]);
    let error = json!({ "code": 400, "message": "Invalid value", "status": "INVALID_ARGUMENT", "details": details });
    Answer::json(400, json!({ "error": error }))
}

/// Google's error body, with FCM's reason in its details.
fn error(status: u16, reason: Option<&str>) -> Answer {
    let status_name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };

    let mut error =
        json!({ "code": status, "message": "Refused by the sandbox.", "status": status_name });
    if let (Some(reason), Value::Object(members)) = (reason, &mut error) {
        let detail = json!([{ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": reason }]);
        members.insert("details".to_owned(), detail);
    }

    Answer::json(status, json!({ "error": error }))
}
