//! Google's push service, HTTP v1, and the endpoint that exchanges a service account's assertion
//! for an access token.

use serde_json::{Value, json};

use super::credentials::hex;
use super::exchange::{Answer, Request};
use super::fault::Fault;
use super::jwt::{self, Algorithm};
use super::shared::State;

const TOKEN_LIFE_SECS: i64 = 3600;
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// A message's `data`, in bytes of names and values.
const DATA_BYTES_MAX: usize = 4096;

/// Whether a request is for the token endpoint.
pub(super) fn is_token_request(request: &Request) -> bool {
    request.path == "/token"
}

/// The registration token a message is for.
pub(super) fn recipient(request: &Request) -> String {
    let fields = request.fields();
    fields
        .pointer("/message/token")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

pub(super) fn answer(state: &State, request: &Request) -> Answer {
    if request.method != "POST" {
        return refusal(405, None);
    }
    if is_token_request(request) {
        exchange(state, request)
    } else {
        send(state, request)
    }
}

pub(super) fn refuse(_: &State, fault: &Fault, status: u16) -> Answer {
    let reason = fault
        .reason
        .as_deref()
        .or((status == 404).then_some("UNREGISTERED"));
    refusal(status, reason)
}

/// The token endpoint's refusal is OAuth's.
pub(super) fn refuse_token(_: &State, fault: &Fault, status: u16) -> Answer {
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

/// RFC 7523 §2.1, as Google does it.
fn exchange(state: &State, request: &Request) -> Answer {
    let form = request.fields();
    let parameter = |name: &str| form.get(name).and_then(Value::as_str).unwrap_or_default();
    if parameter("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return grant_refusal("unsupported_grant_type", "Invalid grant_type");
    }

    let Some(assertion) = jwt::verify(parameter("assertion"), Algorithm::Rs256, &state.keys.fcm)
    else {
        return grant_refusal("invalid_grant", "Invalid JWT Signature.");
    };

    let now = state.clock.now().as_secs();
    let (issued, expires) = (
        assertion.time("iat").unwrap_or(i64::MAX),
        assertion.time("exp").unwrap_or(0),
    );
    let is_timely = issued <= now + 60 && expires > now && expires - issued <= TOKEN_LIFE_SECS;
    if !is_timely {
        return grant_refusal(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token",
        );
    }

    if assertion.text("iss") != Some(&state.keys.fcm_email)
        || assertion.text("aud") != Some(&state.token_uri())
    {
        return grant_refusal("invalid_grant", "Invalid JWT: issuer or audience");
    }

    if !assertion
        .text("scope")
        .is_some_and(|scope| scope.split(' ').any(|one| one == SCOPE))
    {
        return grant_refusal(
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
        );
    }

    let token = format!("ya29.{}", hex::<32>());
    state.keep_access_token(token.clone(), now + TOKEN_LIFE_SECS);
    Answer::json(
        200,
        json!({ "access_token": token, "expires_in": TOKEN_LIFE_SECS, "token_type": "Bearer" }),
    )
}

fn grant_refusal(error: &str, description: &str) -> Answer {
    Answer::json(
        400,
        json!({ "error": error, "error_description": description }),
    )
}

fn send(state: &State, request: &Request) -> Answer {
    if request.path != format!("/v1/projects/{}/messages:send", state.keys.fcm_project) {
        return refusal(404, None);
    }

    if !request
        .bearer()
        .is_some_and(|token| state.is_access_token(token))
    {
        return refusal(401, None);
    }

    let body = request.fields();
    let token = body.pointer("/message/token").and_then(Value::as_str);
    if token.is_none_or(|token| token.is_empty() || token.contains(char::is_whitespace)) {
        return refusal(400, Some("INVALID_ARGUMENT"));
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

/// The field that breaks the format, if one does: `data` holds text only and little of it, `ttl` is
/// seconds with an `s`.
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

/// Google's error body. The FCM reason stands in a detail, the general status beside the code.
fn refusal(status: u16, reason: Option<&str>) -> Answer {
    let general = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };

    let mut error =
        json!({ "code": status, "message": "Refused by the sandbox.", "status": general });
    if let (Some(reason), Value::Object(members)) = (reason, &mut error) {
        let detail = json!([{ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": reason }]);
        members.insert("details".to_owned(), detail);
    }

    Answer::json(status, json!({ "error": error }))
}
