//! A website that receives callbacks, and the checks that it should make.

use standardwebhooks::Webhook;

use super::behaviour::Behaviour;
use super::credentials::Credentials;
use super::exchange::{Answer, Request, is_basic};
use super::fault::{Fault, Provider};
use super::record::Received;
use super::shared::State;
use crate::clock::Timestamp;

pub(super) const BEHAVIOUR: Behaviour = Behaviour {
    provider: Provider::Website,
    recipient,
    answer,
    fail,
};

/// The path of the callback.
fn recipient(request: &Request) -> String {
    request.path.clone()
}

/// Accepts all callbacks. Tests check them afterwards.
fn answer(_: &State, request: &Request) -> Answer {
    if request.method == "POST" {
        Answer::empty(204)
    } else {
        Answer::empty(405)
    }
}

fn fail(_: &State, _: &Fault, status: u16) -> Answer {
    Answer::empty(status)
}

/// What is wrong with a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackProblem {
    /// The Basic credentials are not those of the sandbox.
    #[error("wrong or no credentials")]
    Credentials,
    /// `webhook-id`, `webhook-timestamp` or `webhook-signature` is missing or unreadable.
    #[error("a header of Standard Webhooks is missing")]
    Header,
    /// The body was not signed with the sandbox's secret.
    #[error("wrong signature")]
    Signature,
    /// The signature is more than five minutes old or in the future.
    #[error("signed too long ago, or in the future")]
    Time,
}

/// Standard Webhooks recommends to refuse older signatures.
const TOLERANCE_SECS: i64 = 5 * 60;

/// Checks a callback as a careful website would: Basic credentials, signature, age.
pub(super) fn check(
    credentials: &Credentials,
    call: &Received,
    now: Timestamp,
) -> Result<(), CallbackProblem> {
    let header = |name: &str| {
        call.headers
            .get(name)
            .map(String::as_str)
            .ok_or(CallbackProblem::Header)
    };

    let authorization = call.headers.get("authorization").map(String::as_str);
    if !is_basic(
        authorization,
        &credentials.callback_username,
        &credentials.callback_password,
    ) {
        return Err(CallbackProblem::Credentials);
    }

    let signed_at: i64 = header("webhook-timestamp")?
        .parse()
        .map_err(|_| CallbackProblem::Header)?;

    let webhook = Webhook::new(&credentials.callback_signing_secret)
        .map_err(|_| CallbackProblem::Signature)?;
    let expected = webhook
        .sign(header("webhook-id")?, signed_at, call.body.as_bytes())
        .map_err(|_| CallbackProblem::Signature)?;
    if !header("webhook-signature")?
        .split(' ')
        .any(|signature| signature == expected)
    {
        return Err(CallbackProblem::Signature);
    }

    if (now.as_secs() - signed_at).abs() > TOLERANCE_SECS {
        Err(CallbackProblem::Time)
    } else {
        Ok(())
    }
}
