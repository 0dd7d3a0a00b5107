//! A website that is called back, and the checks it would make.

use standardwebhooks::Webhook;

use super::credentials::Credentials;
use super::exchange::{Answer, Request, is_basic};
use super::fault::Fault;
use super::record::Received;
use super::shared::State;
use crate::clock::Timestamp;

/// The path called back.
pub(super) fn recipient(request: &Request) -> String {
    request.path.clone()
}

/// Takes every call: what to make of it is for the test that reads it.
pub(super) fn answer(_: &State, request: &Request) -> Answer {
    if request.method == "POST" {
        Answer::empty(204)
    } else {
        Answer::empty(405)
    }
}

pub(super) fn refuse(_: &State, _: &Fault, status: u16) -> Answer {
    Answer::empty(status)
}

/// What is wrong with a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackProblem {
    /// Not the Basic credentials of the sandbox.
    #[error("wrong or no credentials")]
    Credentials,
    /// `webhook-id`, `webhook-timestamp` or `webhook-signature` is missing or unreadable.
    #[error("a header of Standard Webhooks is missing")]
    Header,
    /// The signature is not of the sandbox's secret over this body.
    #[error("wrong signature")]
    Signature,
    /// Signed more than five minutes away from now.
    #[error("signed too long ago, or in the future")]
    Time,
}

/// Standard Webhooks asks receivers to refuse what was signed longer ago than this.
const TOLERANCE_SECS: i64 = 5 * 60;

/// Checks a callback as a careful website would: Basic credentials, signature, time of signature.
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
