//! A generic SMS gateway: it receives a `POST` with JSON and Basic credentials and answers `204`.

use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::exchange::{Answer, Request};
use super::fault::{Fault, Provider};
use super::shared::State;

pub(super) const BEHAVIOUR: Behaviour = Behaviour {
    provider: Provider::Http,
    recipient,
    answer,
    fail,
};

/// The phone number that a message is for.
fn recipient(request: &Request) -> String {
    request
        .fields()
        .get("phone_number")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn answer(state: &State, request: &Request) -> Answer {
    if request.method != "POST" {
        return error(405, "method not allowed");
    }

    if !request.has_basic(
        &state.credentials.gateway_username,
        &state.credentials.gateway_password,
    ) {
        return error(401, "wrong credentials");
    }

    let fields = request.fields();
    let is_text = |name: &&str| fields.get(name).is_some_and(Value::is_string);

    match ["phone_number", "message", "verification_code"]
        .into_iter()
        .find(|name| !is_text(name))
    {
        None => Answer::empty(204),
        Some(missing) => error(400, missing),
    }
}

fn fail(_: &State, fault: &Fault, status: u16) -> Answer {
    error(
        status,
        fault.reason.as_deref().unwrap_or("refused by the sandbox"),
    )
}

fn error(status: u16, error: &str) -> Answer {
    Answer::json(status, json!({ "error": error }))
}
