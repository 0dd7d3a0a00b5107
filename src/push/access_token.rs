//! The access tokens Google gives a service account: RFC 7523 §2.1, an assertion signed with the
//! account's key.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use super::classify;
use crate::clock::{Clock, Timestamp};
use crate::egress::{PROVIDER_BODY_BYTES_MAX, ProviderFailure, read_body, retry_after};
use crate::jose;
use crate::secret::SecretString;

pub(super) const PROVIDER: &str = "fcm";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const ASSERTION_LIFE: Duration = Duration::from_secs(3600);
/// A token is replaced this long before it ends.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// Everybody who waited for a token that did not come gets the same answer, and so does who comes
/// within this time: a token endpoint that is down must not be asked by every push in turn.
const FAILURE_HOLD: Duration = Duration::from_secs(1);

/// A service account's key file, as the Google Cloud console gives it out.
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
    pub(super) fn parse(json: &SecretString) -> Result<Self, ProviderFailure> {
        let account: Option<Self> = serde_json::from_str(json.expose()).ok();
        account
            .filter(|account| account.kind == "service_account")
            .ok_or_else(|| {
                ProviderFailure::configuration(PROVIDER, "service account is not usable")
            })
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

/// The one token of a service account, fetched by one caller while the others wait.
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
                // Even of a token that ends within the margin some use must be made.
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

    /// Gives up a token that was refused, unless it has been replaced meanwhile.
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
        let unreachable = |error: reqwest::Error| ProviderFailure::unreachable(PROVIDER, &error);
        let response = request.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let body = read_body(response, PROVIDER_BODY_BYTES_MAX)
            .await
            .map_err(unreachable)?;
        serde_json::from_slice(&body).map_err(|_| {
            ProviderFailure::configuration(PROVIDER, "token endpoint gave no access token")
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
        .map_err(|_| {
            ProviderFailure::configuration(PROVIDER, "service account's key is not usable")
        })
    }
}

async fn refusal(response: Response) -> ProviderFailure {
    let (status, after) = (response.status().as_u16(), retry_after(&response));
    let body = read_body(response, PROVIDER_BODY_BYTES_MAX)
        .await
        .unwrap_or_default();
    let body: GrantError = serde_json::from_slice(&body).unwrap_or_default();
    ProviderFailure::answered(
        PROVIDER,
        classify::token_endpoint(status, after),
        status,
        body.error.as_deref(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_service_account_is_one() {
        let with_type = |kind: &str| {
            let json = serde_json::json!({
                "type": kind, "project_id": "p", "private_key_id": "1", "private_key": "-",
                "client_email": "a@b", "token_uri": "https://oauth2.googleapis.com/token", "client_id": "2",
            });
            ServiceAccount::parse(&SecretString::new(json.to_string()))
        };
        assert!(with_type("service_account").is_ok());
        assert!(with_type("authorized_user").is_err());
        assert!(ServiceAccount::parse(&SecretString::new("{}".to_owned())).is_err());
    }
}
