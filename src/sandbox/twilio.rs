//! Twilio's Messages API, with the phone numbers that Twilio reserves for tests.

use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::credentials::hex;
use super::exchange::{Answer, Request};
use super::fault::{Fault, Provider};
use super::shared::State;

const BODY_CHARACTERS_MAX: usize = 1600;

pub(super) const BEHAVIOUR: Behaviour = Behaviour {
    provider: Provider::Twilio,
    recipient,
    answer,
    fail,
};

/// The phone number that a message is for.
fn recipient(request: &Request) -> String {
    request
        .fields()
        .get("To")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn answer(state: &State, request: &Request) -> Answer {
    match check(state, request) {
        Ok(()) => accepted(state, request),
        Err((status, code)) => error(status, Some(code)),
    }
}

fn fail(_: &State, fault: &Fault, status: u16) -> Answer {
    error(
        status,
        fault
            .reason
            .as_deref()
            .and_then(|reason| reason.parse().ok()),
    )
}

/// An error is a status and Twilio's code for it.
fn check(state: &State, request: &Request) -> Result<(), (u16, u32)> {
    let account = &state.credentials.twilio_account_sid;
    if request.path != format!("/2010-04-01/Accounts/{account}/Messages.json") {
        return Err((404, 20404));
    }

    if request.method != "POST" {
        return Err((405, 20004));
    }

    if !request.has_basic(account, &state.credentials.twilio_auth_token) {
        return Err((401, 20003));
    }

    let form = request.fields();
    let parameter = |name: &str| {
        form.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };

    let from = parameter("From").ok_or((400, 21603))?;
    let to = parameter("To").ok_or((400, 21604))?;
    let body = parameter("Body").ok_or((400, 21602))?;
    check_from(state, from)?;
    check_to(to)?;

    if body.chars().count() > BODY_CHARACTERS_MAX {
        Err((400, 21617))
    } else {
        Ok(())
    }
}

/// The sender must be a number of the account or a sender id of up to eleven characters.
fn check_from(state: &State, from: &str) -> Result<(), (u16, u32)> {
    let is_sender_id = from.len() <= 11
        && from.bytes().any(|byte| byte.is_ascii_alphabetic())
        && from.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'&' | b'+')
        });

    match from {
        "+15005550001" => Err((400, 21212)),
        "+15005550007" => Err((400, 21606)),
        "+15005550008" => Err((400, 21611)),
        _ if from == state.credentials.twilio_from_number || is_sender_id => Ok(()),
        _ if from.starts_with('+') => Err((400, 21606)),
        _ => Err((400, 21212)),
    }
}

fn check_to(to: &str) -> Result<(), (u16, u32)> {
    let digits = to.strip_prefix('+').unwrap_or_default();
    let is_number =
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    match to {
        "+15005550001" => Err((400, 21211)),
        "+15005550002" => Err((400, 21612)),
        "+15005550003" => Err((400, 21408)),
        "+15005550004" => Err((400, 21610)),
        "+15005550009" => Err((400, 21614)),
        _ if is_number => Ok(()),
        _ => Err((400, 21211)),
    }
}

fn accepted(state: &State, request: &Request) -> Answer {
    let form = request.fields();
    let account = &state.credentials.twilio_account_sid;
    let sid = format!("SM{}", hex::<16>());
    let body = json!({
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": form.get("Body"),
        "direction": "outbound-api",
        "error_code": null,
        "error_message": null,
        "from": form.get("From"),
        "num_segments": "1",
        "price": null,
        "sid": sid,
        "status": "queued",
        "to": form.get("To"),
        "uri": format!("/2010-04-01/Accounts/{account}/Messages/{sid}.json"),
    });

    Answer::json(201, body)
}

fn error(status: u16, code: Option<u32>) -> Answer {
    let code = code.unwrap_or(20000 + u32::from(status));
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    Answer::json(
        status,
        json!({ "code": code, "message": "Refused by the sandbox.", "more_info": more, "status": status }),
    )
}
