//! A gateway of one's own: `POST` JSON with Basic credentials, `204` when taken.

use serde_json::{Value, json};

use super::exchange::{Answer, Request};
use super::fault::Fault;
use super::shared::State;

/// The number a message is for.
pub(super) fn recipient(request: &Request) -> String {
    request
        .fields()
        .get("phone_number")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

pub(super) fn answer(state: &State, request: &Request) -> Answer {
    if request.method != "POST" {
        return refusal(405, "method not allowed");
    }

    if !request.has_basic(
        &state.credentials.gateway_username,
        &state.credentials.gateway_password,
    ) {
        return refusal(401, "wrong credentials");
    }

    let fields = request.fields();
    let is_text = |name: &&str| fields.get(name).is_some_and(Value::is_string);
    match ["phone_number", "message", "verification_code"]
        .into_iter()
        .find(|name| !is_text(name))
    {
        None => Answer::empty(204),
        Some(missing) => refusal(400, missing),
    }
}

pub(super) fn refuse(_: &State, fault: &Fault, status: u16) -> Answer {
    refusal(
        status,
        fault.reason.as_deref().unwrap_or("refused by the sandbox"),
    )
}

fn refusal(status: u16, error: &str) -> Answer {
    Answer::json(status, json!({ "error": error }))
}
