//! The access tokens that Google issues to a service account for an assertion signed with the
//! account's key (RFC 7523 §2.1).

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use crate::clock::{Clock, Timestamp};
use crate::egress::{
    FailureKind, PROVIDER_BODY_BYTES_MAX, ProviderFailure, read_body, retry_after_seconds,
};
use crate::jose;
use crate::secret::SecretString;

pub(super) const NAME: &str = "fcm";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const ASSERTION_LIFE: Duration = Duration::from_secs(3600);
/// A token is replaced this long before it expires.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// A failure is given to all who wait for the token and to all who ask within this time: not every
/// push in turn shall ask a token endpoint that is down.
const FAILURE_HOLD: Duration = Duration::from_secs(1);

/// A service account's key file, in the format of the Google Cloud console.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ServiceAccount {
    #[serde(rename = "type")]
    kind: String,
    pub(super) project_id: String,
    private_key_id: String,
    private_key: SecretString,
    client_email: String,
    token_uri: Url,
}

impl ServiceAccount {
    pub(super) fn parse(json: &str) -> Result<Self, ProviderFailure> {
        let account: Option<Self> = serde_json::from_str(json).ok();
        account
            .filter(|account| account.kind == "service_account")
            .ok_or_else(|| ProviderFailure::configuration(NAME, "service account is not usable"))
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: u32,
}

#[derive(Default, Deserialize)]
struct GrantError {
    error: Option<String>,
}

/// The current token of a service account. One caller fetches it while the others wait.
pub(super) struct AccessTokens {
    account: ServiceAccount,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
enum State {
    #[default]
    Empty,
    Good {
        token: Arc<SecretString>,
        until: Timestamp,
    },
    Failed {
        failure: ProviderFailure,
        at: Timestamp,
    },
}

impl AccessTokens {
    pub(super) fn new(account: ServiceAccount, clock: Clock) -> Self {
        Self {
            account,
            clock,
            state: Mutex::default(),
        }
    }

    /// The token to use now.
    pub(super) async fn current(
        &self,
        client: &Client,
    ) -> Result<Arc<SecretString>, ProviderFailure> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        match &*state {
            State::Good { token, until } if now < *until => return Ok(Arc::clone(token)),
            State::Failed { failure, at } if now.since(*at) < FAILURE_HOLD => {
                return Err(failure.clone());
            }
            State::Empty | State::Good { .. } | State::Failed { .. } => {}
        }

        match self.fetch(client, now).await {
            Ok(granted) => {
                let life = Duration::from_secs(u64::from(granted.expires_in));
                let token = Arc::new(granted.access_token);

                // A token that lives no longer than the margin is used for half of its life.
                let until = now.after(life.saturating_sub(MARGIN).max(life / 2));
                *state = State::Good {
                    token: Arc::clone(&token),
                    until,
                };

                Ok(token)
            }
            Err(failure) => {
                *state = State::Failed {
                    failure: failure.clone(),
                    at: self.clock.now(),
                };
                Err(failure)
            }
        }
    }

    /// Drops a token that was refused, unless it has been replaced meanwhile.
    pub(super) async fn discard(&self, refused: &SecretString) {
        let mut state = self.state.lock().await;
        if matches!(&*state, State::Good { token, .. } if **token == *refused) {
            *state = State::Empty;
        }
    }

    async fn fetch(&self, client: &Client, now: Timestamp) -> Result<Granted, ProviderFailure> {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", &self.assertion(now)?),
        ];

        let request = client.post(self.account.token_uri.clone()).form(&form);
        let unreachable =
            |error: reqwest::Error| ProviderFailure::unreachable(NAME, &error).before_the_message();
        let response = request.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(refusal(response).await.before_the_message());
        }

        let body = read_body(response, PROVIDER_BODY_BYTES_MAX)
            .await
            .map_err(unreachable)?;

        serde_json::from_slice(&body).map_err(|_| {
            ProviderFailure::configuration(NAME, "token endpoint gave no access token")
        })
    }

    fn assertion(&self, now: Timestamp) -> Result<String, ProviderFailure> {
        let account = &self.account;
        let claims = Claims {
            iss: &account.client_email,
            scope: SCOPE,
            aud: account.token_uri.as_str(),
            iat: now.as_secs(),
            exp: now.after(ASSERTION_LIFE).as_secs(),
        };

        jose::sign_rs256_pem(
            account.private_key.expose(),
            &account.private_key_id,
            &claims,
        )
        .map_err(|_| ProviderFailure::configuration(NAME, "service account's key is not usable"))
    }
}

async fn refusal(response: Response) -> ProviderFailure {
    let (status, after) = (response.status().as_u16(), retry_after_seconds(&response));

    let body = read_body(response, PROVIDER_BODY_BYTES_MAX)
        .await
        .unwrap_or_default();
    let body: GrantError = serde_json::from_slice(&body).unwrap_or_default();

    ProviderFailure::answered(NAME, classify(status, after), status, body.error.as_deref())
}

/// What a refusal by a token endpoint means (RFC 6749 §5.2): it will not change its mind.
const fn classify(status: u16, after: Option<Duration>) -> FailureKind {
    match FailureKind::from_status(status, after) {
        FailureKind::Blocked => FailureKind::Configuration,
        kind => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_kinds_of_keys_are_refused() {
        let with_type = |kind: &str| {
            let json = serde_json::json!({
                "type": kind, "project_id": "p", "private_key_id": "1", "private_key": "-",
                "client_email": "a@b", "token_uri": "https://oauth2.googleapis.com/token", "client_id": "2",
            });
            ServiceAccount::parse(&json.to_string())
        };

        assert!(with_type("service_account").is_ok());
        assert!(with_type("authorized_user").is_err());
        assert!(ServiceAccount::parse("{}").is_err());
    }

    #[test]
    fn statuses() {
        let after = Some(Duration::from_secs(7));
        let retry = FailureKind::Retry { after };
        let cases = [
            (400, FailureKind::Configuration),
            (401, FailureKind::Configuration),
            (404, FailureKind::Configuration),
            (422, FailureKind::Configuration),
            (429, retry),
            (500, retry),
        ];

        for (status, kind) in cases {
            assert_eq!(classify(status, after), kind, "{status}");
        }
    }
}
