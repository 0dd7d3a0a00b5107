//! Apple's push service: HTTP/2 with token authentication.

mod classify;
mod provider_token;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use a2::request::notification::{NotificationOptions, Priority, PushType};
use a2::request::payload::{APS, APSAlert, Payload};
use a2::response::ErrorReason;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, ClientBuilder, RequestBuilder};
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as NameError, StrDeserializer};
use url::Url;

use crate::clock::{Clock, Timestamp};
use crate::egress::ProviderFailure;
use crate::platform::Platform;
use crate::push::services::exchange::{self, Refused};
use crate::push::types::{
    ApnsEnvironment, Connector, CredentialField, CredentialForm, PushConfiguration,
    PushDestination, PushMessage, PushSender, PushService, is_token, unusable_tls,
};
use crate::secret::SecretString;
use provider_token::{AuthKey, ProviderTokens};

const NAME: &str = "apns";
const TEAM_ID: &str = "team_id";
const KEY_ID: &str = "key_id";
const AUTH_KEY: &str = "auth_key";

pub(super) static SERVICE: PushService = PushService {
    name: NAME,
    platforms: &[Platform::Ios],
    credentials: &[
        CredentialField {
            name: TEAM_ID,
            form: CredentialForm::Name,
        },
        CredentialField {
            name: KEY_ID,
            form: CredentialForm::Name,
        },
        CredentialField {
            name: AUTH_KEY,
            form: CredentialForm::Secret {
                is_usable: |pem| pem.contains("-----BEGIN PRIVATE KEY-----"),
                requirement: "must be the .p8 file from Apple: a private key in PEM",
            },
        },
    ],
    needs_bundle_id: true,
    is_address: is_token,
    connector: |clock| {
        Arc::new(ApnsConnector {
            tokens: ProviderTokens::default(),
            clock: clock.clone(),
        })
    },
};

/// Shares the provider tokens between configurations: Apple counts them for each auth key.
struct ApnsConnector {
    tokens: ProviderTokens,
    clock: Clock,
}

impl Connector for ApnsConnector {
    fn connect(
        &self,
        configuration: &PushConfiguration,
        client: ClientBuilder,
    ) -> Result<Box<dyn PushSender>, ProviderFailure> {
        // APNs speaks nothing else.
        let client = client.http2_prior_knowledge().build();
        let credentials = &configuration.credentials;

        Ok(Box::new(Apns {
            client: client.map_err(|_| unusable_tls(NAME))?,
            endpoint: configuration.endpoint.clone(),
            key: AuthKey {
                team_id: credentials.get(TEAM_ID).to_owned(),
                key_id: credentials.get(KEY_ID).to_owned(),
                pem: SecretString::new(credentials.get(AUTH_KEY).to_owned()),
            },
            tokens: self.tokens.clone(),
            clock: self.clock.clone(),
        }))
    }
}

/// Sends for one push configuration. Its two environments are two hosts.
struct Apns {
    client: Client,
    endpoint: Option<Url>,
    key: AuthKey,
    tokens: ProviderTokens,
    clock: Clock,
}

impl PushSender for Apns {
    fn send<'a>(
        &'a self,
        destination: &'a PushDestination,
        message: &'a PushMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>> {
        self.send_renewing_token(destination, message).boxed()
    }
}

impl Apns {
    /// Sends once, and a second time with a new provider token if Apple says that the first one has
    /// expired.
    async fn send_renewing_token(
        &self,
        to: &PushDestination,
        message: &PushMessage,
    ) -> Result<(), ProviderFailure> {
        let token = self.provider_token()?;
        let Err(refusal) = self.post(to, message, &token).await? else {
            return Ok(());
        };

        let is_expired = refusal.reason == Some(ErrorReason::ExpiredProviderToken);
        if !is_expired || !self.tokens.discard(&self.key, &token, self.clock.now()) {
            return Err(refusal.into_failure());
        }

        let token = self.provider_token()?;

        self.post(to, message, &token)
            .await?
            .map_err(Refusal::into_failure)
    }

    fn provider_token(&self) -> Result<Arc<SecretString>, ProviderFailure> {
        let unusable = |_| ProviderFailure::configuration(NAME, "auth key is not usable");
        self.tokens
            .current(&self.key, self.clock.now())
            .map_err(unusable)
    }

    /// The outer error means that there was no answer, the inner one that the answer refused.
    async fn post(
        &self,
        to: &PushDestination,
        message: &PushMessage,
        token: &SecretString,
    ) -> Result<Result<(), Refusal>, ProviderFailure> {
        let request = self.request(to, message)?.bearer_auth(token.expose());
        let sent = exchange::send(NAME, request).await?;

        Ok(sent.map_err(Refusal::from))
    }

    fn request(
        &self,
        to: &PushDestination,
        message: &PushMessage,
    ) -> Result<RequestBuilder, ProviderFailure> {
        let topic = to.bundle_id.as_deref();
        let topic = topic
            .ok_or_else(|| ProviderFailure::configuration(NAME, "bundle_id is not configured"))?;
        let url = device_url(self.endpoint.as_ref(), to.environment, to.address.expose());
        let url =
            url.ok_or_else(|| ProviderFailure::configuration(NAME, "endpoint is not usable"))?;
        let body = payload(message)
            .ok_or_else(|| ProviderFailure::configuration(NAME, "payload is not usable"))?;

        let mut request = self
            .client
            .post(url)
            .header("apns-topic", topic)
            .header("apns-push-type", PushType::Alert.to_string())
            .header("apns-priority", Priority::High.to_string())
            .header("apns-expiration", message.expires_at.as_secs())
            .header(CONTENT_TYPE, "application/json")
            .body(body);

        if let Some(id) = &message.transaction_id {
            request = request
                .header("apns-id", id.to_string())
                // A push that is sent again replaces the one before on the device.
                .header("apns-collapse-id", id.to_string());
        }

        Ok(request)
    }
}

struct Refusal {
    status: u16,
    /// Apple's text.
    name: Option<String>,
    /// The same reason, if `a2` knows it.
    reason: Option<ErrorReason>,
    since: Option<Timestamp>,
    after: Option<Duration>,
}

/// `a2` has a type of its own, which fails to parse a reason that is new.
#[derive(Default, Deserialize)]
struct ErrorBody {
    reason: Option<String>,
    timestamp: Option<i64>,
}

impl From<Refused<ErrorBody>> for Refusal {
    fn from(refused: Refused<ErrorBody>) -> Self {
        let ErrorBody { reason, timestamp } = refused.body;
        let known = reason.as_deref().and_then(|name| {
            let name: StrDeserializer<'_, NameError> = name.into_deserializer();
            ErrorReason::deserialize(name).ok()
        });

        Self {
            status: refused.status,
            name: reason,
            reason: known,
            since: timestamp.map(Timestamp::from_millis),
            after: refused.after,
        }
    }
}

impl Refusal {
    fn into_failure(self) -> ProviderFailure {
        let kind = classify::classify(self.status, self.reason.as_ref(), self.since, self.after);
        ProviderFailure::answered(NAME, kind, self.status, self.name.as_deref())
    }
}

fn device_url(endpoint: Option<&Url>, environment: ApnsEnvironment, address: &str) -> Option<Url> {
    let mut url = match (endpoint, environment) {
        (Some(endpoint), _) => endpoint.clone(),
        (None, ApnsEnvironment::Production) => Url::parse("https://api.push.apple.com").ok()?,
        (None, ApnsEnvironment::Development) => {
            Url::parse("https://api.sandbox.push.apple.com").ok()?
        }
    };

    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["3", "device", address]);

    Some(url)
}

/// The alert, and the members that the app needs: the transaction, if there is one to fetch, the profile
/// and the message. Nothing else.
fn payload(message: &PushMessage) -> Option<String> {
    let text = message.message.expose();
    let mut data = BTreeMap::from([
        ("profile_id", message.profile_id.as_str().into()),
        ("message", text.into()),
    ]);
    if let Some(id) = &message.transaction_id {
        data.insert("transaction_id", id.to_string().into());
    }

    let aps = APS {
        alert: Some(APSAlert::Body(text)),
        ..APS::default()
    };

    let payload = Payload {
        options: NotificationOptions::default(),
        device_token: "",
        aps,
        data,
    };

    serde_json::to_string(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let own = Url::parse("https://127.0.0.1:9102/prefix/").unwrap();
        let cases = [
            (
                None,
                ApnsEnvironment::Production,
                "00ff",
                "https://api.push.apple.com/3/device/00ff",
            ),
            (
                None,
                ApnsEnvironment::Development,
                "00ff",
                "https://api.sandbox.push.apple.com/3/device/00ff",
            ),
            (
                Some(&own),
                ApnsEnvironment::Production,
                "00ff",
                "https://127.0.0.1:9102/prefix/3/device/00ff",
            ),
            (
                Some(&own),
                ApnsEnvironment::Production,
                "a/../?b",
                "https://127.0.0.1:9102/prefix/3/device/a%2F..%2F%3Fb",
            ),
        ];

        for (endpoint, environment, address, url) in cases {
            assert_eq!(
                device_url(endpoint, environment, address).unwrap().as_str(),
                url
            );
        }
    }

    #[test]
    fn the_payload_holds_nothing_else() {
        let message = PushMessage {
            transaction_id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().ok(),
            profile_id: "AB12CD".parse().unwrap(),
            message: SecretString::new("Log \"in\"?".to_owned()),
            expires_at: Timestamp::from_millis(0),
        };

        let expected = concat!(
            r#"{"aps":{"alert":"Log \"in\"?"},"message":"Log \"in\"?","profile_id":"AB12CD","#,
            r#""transaction_id":"01890a5d-ac96-774b-bcce-b302099a8057"}"#
        );
        assert_eq!(payload(&message).unwrap(), expected);
    }
}
