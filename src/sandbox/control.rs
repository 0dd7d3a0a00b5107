//! The control API, for programs that cannot call [`Sandbox`](super::Sandbox) itself.
//!
//! - `GET /sandbox` returns addresses and credentials.
//! - `GET /sandbox/messages?provider=&to=&transaction_id=&after=&wait=` returns the received requests
//!   that match; with `wait` (in seconds, at most 30) as soon as one does.
//! - `PUT /sandbox/faults/{provider}` sets a [`Fault`] given in JSON, `DELETE` clears it.

use std::time::Duration;

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as NameError, StrDeserializer};
use serde_json::json;

use super::exchange::{Answer, Request};
use super::fault::{Fault, Provider};
use super::record::Received;
use super::shared::State;

const LIST_MAX: usize = 1000;
const WAIT_MAX: Duration = Duration::from_secs(30);

pub(super) async fn answer(state: &State, request: &Request) -> Answer {
    let path = request.path.strip_prefix("/sandbox").unwrap_or("?");
    match (request.method.as_str(), path) {
        ("GET", "" | "/") => Answer::json(
            200,
            json!({ "endpoints": state.endpoints, "credentials": state.credentials }),
        ),
        ("GET", "/messages") => list(state, request).await,
        ("PUT" | "DELETE", path) => match path.strip_prefix("/faults/").and_then(provider) {
            Some(provider) => change_fault(state, request, provider),
            None => problem(404, "no such provider"),
        },
        _ => problem(404, "no such resource"),
    }
}

fn change_fault(state: &State, request: &Request, provider: Provider) -> Answer {
    if request.method == "DELETE" {
        state.faults.clear(provider);
        return Answer::empty(204);
    }

    match serde_json::from_slice::<Fault>(&request.body) {
        Ok(fault)
            if fault
                .status
                .is_some_and(|status| !(200..=599).contains(&status)) =>
        {
            problem(422, "status must be from 200 to 599")
        }
        Ok(fault) => {
            state.faults.set(provider, fault);
            Answer::empty(204)
        }
        Err(error) => problem(422, &error.to_string()),
    }
}

async fn list(state: &State, request: &Request) -> Answer {
    let parameter = |name: &str| request.query.get(name).map(String::as_str);
    let provider_filter = match parameter("provider").map(provider) {
        Some(None) => return problem(422, "no such provider"),
        Some(provider) => provider,
        None => None,
    };

    let after = parameter("after")
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    let matches = |received: &Received| {
        received.sequence > after
            && provider_filter.is_none_or(|provider| provider == received.provider)
            && parameter("to").is_none_or(|to| to == received.to)
            && parameter("transaction_id").is_none_or(|id| received.transaction_id() == Some(id))
    };

    if let Some(seconds) = parameter("wait").and_then(|seconds| seconds.parse().ok()) {
        let wait = Duration::from_secs(seconds).min(WAIT_MAX);
        // After a timeout the list is empty.
        let _ = tokio::time::timeout(wait, state.records.wait_for(matches)).await;
    }

    Answer::json(
        200,
        json!({ "messages": state.records.list(matches, LIST_MAX) }),
    )
}

fn provider(name: &str) -> Option<Provider> {
    let name: StrDeserializer<'_, NameError> = name.into_deserializer();
    Provider::deserialize(name).ok()
}

fn problem(status: u16, error: &str) -> Answer {
    Answer::json(status, json!({ "error": error }))
}
