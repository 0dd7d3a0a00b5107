//! Twilio's Messages API.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use url::Url;

use super::types::SmsMessage;
use crate::egress::{
    FailureKind, PROVIDER_BODY_BYTES_MAX, ProviderFailure, read_body, retry_after_seconds,
};
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

/// Sends with the message's own sender. If Twilio refuses that sender, sends once more with the
/// account's number: network operators decide which senders a country allows, and change it.
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
        self.code.is_some_and(is_sender_refused)
    }

    fn into_failure(self) -> ProviderFailure {
        let kind = classify(self.status, self.code, self.after);
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

    let after = retry_after_seconds(&response);

    // Without a readable body the code is missing; the status still says what to do.
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

/// Whether Twilio refuses the sender and not the message, so that another sender may be accepted.
///
/// 21212 invalid From, 21267 alphanumeric sender on a trial account, 21606 and 21661 not able to
/// send messages, 21612 no route from this sender to this number, 21657 sender id not allowed in
/// that country, 21659 not a Twilio number, 21660 not of this account.
const fn is_sender_refused(code: u32) -> bool {
    matches!(
        code,
        21212 | 21267 | 21606 | 21612 | 21657 | 21659 | 21660 | 21661
    )
}

/// What a refusal means: by Twilio's error code, or by the status where there is no code.
const fn classify(status: u16, code: Option<u32>, after: Option<Duration>) -> FailureKind {
    match code {
        // Not authenticated; the account is suspended; the country is not switched on; a trial
        // account's unverified number.
        Some(20003 | 20005 | 21408 | 21608 | 30002) => FailureKind::Configuration,
        // No route to the number. The default sender was tried, too.
        Some(21612) => FailureKind::Blocked,
        Some(code) if is_sender_refused(code) => FailureKind::Configuration,
        // Too many requests, in general, to this number, from this number; queue overflow; unknown
        // error of the carrier.
        Some(14107 | 20429 | 21611 | 30001 | 30008 | 30022) => FailureKind::Retry { after },
        // The number is invalid, has unsubscribed or cannot receive text messages; the carrier
        // refused the message.
        Some(
            21211 | 21214 | 21217 | 21265 | 21266 | 21610 | 21614 | 21617 | 21635 | 30000..=30999,
        ) => FailureKind::Blocked,
        _ => FailureKind::from_status(status, after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: FailureKind = FailureKind::Retry {
        after: Some(Duration::from_secs(7)),
    };

    #[test]
    fn codes() {
        let cases = [
            (401, Some(20003), FailureKind::Configuration),
            (403, Some(20005), FailureKind::Configuration),
            (400, Some(21408), FailureKind::Configuration),
            (400, Some(21608), FailureKind::Configuration),
            (400, Some(30002), FailureKind::Configuration),
            (400, Some(21212), FailureKind::Configuration),
            (400, Some(21267), FailureKind::Configuration),
            (400, Some(21606), FailureKind::Configuration),
            (400, Some(21657), FailureKind::Configuration),
            (400, Some(21659), FailureKind::Configuration),
            (400, Some(21660), FailureKind::Configuration),
            (400, Some(21661), FailureKind::Configuration),
            (400, Some(21612), FailureKind::Blocked),
            (400, Some(21211), FailureKind::Blocked),
            (400, Some(21214), FailureKind::Blocked),
            (400, Some(21217), FailureKind::Blocked),
            (400, Some(21265), FailureKind::Blocked),
            (400, Some(21266), FailureKind::Blocked),
            (400, Some(21610), FailureKind::Blocked),
            (400, Some(21614), FailureKind::Blocked),
            (400, Some(21617), FailureKind::Blocked),
            (400, Some(21635), FailureKind::Blocked),
            (400, Some(30003), FailureKind::Blocked),
            (400, Some(30007), FailureKind::Blocked),
            (400, Some(14107), RETRY),
            (429, Some(20429), RETRY),
            (400, Some(21611), RETRY),
            (400, Some(30001), RETRY),
            (400, Some(30008), RETRY),
            (400, Some(30022), RETRY),
            (400, Some(99999), FailureKind::Blocked),
            (401, None, FailureKind::Configuration),
            (404, Some(20404), FailureKind::Configuration),
            (429, None, RETRY),
            (500, Some(20500), RETRY),
            (503, None, RETRY),
        ];

        for (status, code, kind) in cases {
            assert_eq!(
                classify(status, code, Some(Duration::from_secs(7))),
                kind,
                "{status} {code:?}"
            );
        }
    }

    #[test]
    fn only_another_sender_is_worth_a_second_attempt() {
        for code in [21212, 21267, 21606, 21612, 21657, 21659, 21660, 21661] {
            assert!(is_sender_refused(code), "{code}");
        }

        for code in [20003, 21211, 21610, 21611, 21614, 30007] {
            assert!(!is_sender_refused(code), "{code}");
        }
    }
}
