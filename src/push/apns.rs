//! Apple's push service: HTTP/2 with token authentication.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use a2::request::notification::{NotificationOptions, Priority, PushType};
use a2::request::payload::{APS, APSAlert, Payload};
use a2::response::ErrorReason;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as NameError, StrDeserializer};
use url::Url;

use super::provider_token::{AuthKey, ProviderTokens};
use super::{PushDestination, PushMessage, classify};
use crate::clock::{Clock, Timestamp};
use crate::egress::{PROVIDER_BODY_BYTES_MAX, ProviderFailure, read_body, retry_after};
use crate::secret::SecretString;
use crate::settings::ApnsEnvironment;

const PROVIDER: &str = "apns";

/// The connection for one push configuration. Its two environments are two hosts.
pub(super) struct Apns {
    pub(super) client: Client,
    pub(super) endpoint: Option<Url>,
    pub(super) key: AuthKey,
    pub(super) tokens: ProviderTokens,
    pub(super) clock: Clock,
}

impl Apns {
    /// Sends once; a second time with a new provider token where Apple calls the old one expired.
    pub(super) async fn send(
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
        let unusable = |_| ProviderFailure::configuration(PROVIDER, "auth key is not usable");
        self.tokens
            .current(&self.key, self.clock.now())
            .map_err(unusable)
    }

    /// The outer error: no answer. The inner one: an answer that refuses.
    async fn post(
        &self,
        to: &PushDestination,
        message: &PushMessage,
        token: &SecretString,
    ) -> Result<Result<(), Refusal>, ProviderFailure> {
        let request = self.request(to, message)?.bearer_auth(token.expose());
        let response = request
            .send()
            .await
            .map_err(|error| ProviderFailure::unreachable(PROVIDER, &error))?;
        if response.status().is_success() {
            Ok(Ok(()))
        } else {
            Ok(Err(Refusal::read(response).await))
        }
    }

    fn request(
        &self,
        to: &PushDestination,
        message: &PushMessage,
    ) -> Result<RequestBuilder, ProviderFailure> {
        let topic = to.bundle_id.as_deref();
        let topic = topic.ok_or_else(|| {
            ProviderFailure::configuration(PROVIDER, "bundle_id is not configured")
        })?;
        let url = device_url(self.endpoint.as_ref(), to.environment, to.address.expose());
        let url =
            url.ok_or_else(|| ProviderFailure::configuration(PROVIDER, "endpoint is not usable"))?;
        let body = payload(message)
            .ok_or_else(|| ProviderFailure::configuration(PROVIDER, "payload is not usable"))?;
        let request = self.client.post(url);
        Ok(request
            .header("apns-topic", topic)
            .header("apns-push-type", PushType::Alert.to_string())
            .header("apns-priority", Priority::High.to_string())
            .header("apns-expiration", message.expires_at.as_secs())
            .header("apns-id", message.transaction_id.to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(body))
    }
}

struct Refusal {
    status: u16,
    /// As Apple wrote it.
    name: Option<String>,
    /// The same, if it is one `a2` knows.
    reason: Option<ErrorReason>,
    since: Option<Timestamp>,
    after: Option<Duration>,
}

/// Not `a2`'s own, which cannot be read at all when the reason is a new one.
#[derive(Default, Deserialize)]
struct ErrorBody {
    reason: Option<String>,
    timestamp: Option<i64>,
}

impl Refusal {
    async fn read(response: Response) -> Self {
        let (status, after) = (response.status().as_u16(), retry_after(&response));
        // A body that cannot be read costs the reason only; the status still says what to do.
        let body = read_body(response, PROVIDER_BODY_BYTES_MAX)
            .await
            .unwrap_or_default();
        let body: ErrorBody = serde_json::from_slice(&body).unwrap_or_default();
        let reason = body.reason.as_deref().and_then(|name| {
            let name: StrDeserializer<'_, NameError> = name.into_deserializer();
            ErrorReason::deserialize(name).ok()
        });
        Self {
            status,
            name: body.reason,
            reason,
            since: body.timestamp.map(Timestamp::from_millis),
            after,
        }
    }

    fn into_failure(self) -> ProviderFailure {
        let kind = classify::apns(self.status, self.reason.as_ref(), self.since, self.after);
        ProviderFailure::answered(PROVIDER, kind, self.status, self.name.as_deref())
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

/// The alert, and beside it what the app needs to fetch the rest: three members, nothing else.
fn payload(message: &PushMessage) -> Option<String> {
    let text = message.message.expose();
    let data = BTreeMap::from([
        ("transaction_id", message.transaction_id.to_string().into()),
        ("profile_id", message.profile_id.as_str().into()),
        ("message", text.into()),
    ]);
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
    fn the_payload_says_nothing_else() {
        let message = PushMessage {
            transaction_id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
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
