//! Twilio's Messages API.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use url::Url;

use super::SmsMessage;
use super::classify;
use crate::egress::{PROVIDER_BODY_BYTES_MAX, ProviderFailure, read_body, retry_after};
use crate::secret::SecretString;

const PROVIDER: &str = "twilio";
const DEFAULT_ENDPOINT: &str = "https://api.twilio.com";

/// The account messages are sent from.
pub(super) struct Account<'a> {
    pub(super) sid: &'a str,
    pub(super) auth_token: &'a SecretString,
    pub(super) from_number: &'a str,
    pub(super) endpoint: Option<&'a Url>,
}

/// Sends with the message's own sender, and once more with the account's number if Twilio refuses
/// that sender: which senders a country allows is the operators' decision and changes.
pub(super) async fn send(
    client: &Client,
    account: &Account<'_>,
    message: &SmsMessage,
) -> Result<(), ProviderFailure> {
    let sender = message.sender_id.as_deref().unwrap_or(account.from_number);
    match post(client, account, message, sender).await? {
        Answer::Refused(refusal) if sender != account.from_number && refusal.is_about_sender() => {
            match post(client, account, message, account.from_number).await? {
                Answer::Taken => Ok(()),
                Answer::Refused(refusal) => Err(refusal.into_failure()),
            }
        }
        Answer::Taken => Ok(()),
        Answer::Refused(refusal) => Err(refusal.into_failure()),
    }
}

enum Answer {
    Taken,
    Refused(Refusal),
}

struct Refusal {
    status: u16,
    code: Option<u32>,
    after: Option<Duration>,
}

impl Refusal {
    fn is_about_sender(&self) -> bool {
        self.code.is_some_and(classify::is_sender_refused)
    }

    fn into_failure(self) -> ProviderFailure {
        let kind = classify::twilio(self.status, self.code, self.after);
        let code = self.code.map(|code| code.to_string());
        ProviderFailure::answered(PROVIDER, kind, self.status, code.as_deref())
    }
}

async fn post(
    client: &Client,
    account: &Account<'_>,
    message: &SmsMessage,
    from: &str,
) -> Result<Answer, ProviderFailure> {
    let url = messages_url(account)
        .ok_or_else(|| ProviderFailure::configuration(PROVIDER, "endpoint is not usable"))?;
    let form = HashMap::from([
        ("To", message.to.expose()),
        ("From", from),
        ("Body", message.text.expose()),
    ]);
    let request = client
        .post(url)
        .basic_auth(account.sid, Some(account.auth_token.expose()))
        .form(&form);
    let response = request
        .send()
        .await
        .map_err(|error| ProviderFailure::unreachable(PROVIDER, &error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(Answer::Taken);
    }
    let after = retry_after(&response);
    // A body that cannot be read costs the code only; the status still says what to do.
    let body = read_body(response, PROVIDER_BODY_BYTES_MAX)
        .await
        .unwrap_or_default();
    let code = serde_json::from_slice::<ErrorBody>(&body)
        .ok()
        .and_then(|body| body.code);
    Ok(Answer::Refused(Refusal {
        status: status.as_u16(),
        code,
        after,
    }))
}

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<u32>,
}

fn messages_url(account: &Account<'_>) -> Option<Url> {
    let mut url = match account.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => Url::parse(DEFAULT_ENDPOINT).ok()?,
    };
    url.path_segments_mut().ok()?.pop_if_empty().extend([
        "2010-04-01",
        "Accounts",
        account.sid,
        "Messages.json",
    ]);
    Some(url)
}
