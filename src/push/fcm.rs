//! Google's push service: FCM, HTTP v1.

use std::time::Duration;

use reqwest::{Client, Response};
use serde::{Deserialize, Serialize};
use url::Url;

use super::access_token::{AccessTokens, PROVIDER, ServiceAccount};
use super::{PushDestination, PushMessage, classify};
use crate::clock::Clock;
use crate::egress::{PROVIDER_BODY_BYTES_MAX, ProviderFailure, read_body, retry_after};
use crate::secret::SecretString;

const DEFAULT_ENDPOINT: &str = "https://fcm.googleapis.com";

/// The connection for one push configuration.
pub(super) struct Fcm {
    client: Client,
    url: Url,
    tokens: AccessTokens,
    clock: Clock,
}

#[derive(Serialize)]
struct SendRequest<'a> {
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    token: &'a str,
    data: Data<'a>,
    android: Android,
}

/// What the app gets: three members, nothing else. Without `notification` the app itself decides
/// what to show, which it must: it alone knows whether the user may see the message on a locked
/// screen.
#[derive(Serialize)]
struct Data<'a> {
    transaction_id: String,
    profile_id: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Android {
    priority: &'static str,
    ttl: String,
}

impl Fcm {
    pub(super) fn new(
        client: Client,
        endpoint: Option<&Url>,
        account: ServiceAccount,
        clock: Clock,
    ) -> Result<Self, ProviderFailure> {
        let url = send_url(endpoint, &account.project_id);
        let url =
            url.ok_or_else(|| ProviderFailure::configuration(PROVIDER, "endpoint is not usable"))?;
        Ok(Self {
            client,
            url,
            tokens: AccessTokens::new(account, clock.clone()),
            clock,
        })
    }

    /// Sends once; a second time with a new access token where Google refuses the old one.
    pub(super) async fn send(
        &self,
        to: &PushDestination,
        message: &PushMessage,
    ) -> Result<(), ProviderFailure> {
        let token = self.tokens.current(&self.client).await?;
        let Err(refusal) = self.post(to, message, &token).await? else {
            return Ok(());
        };
        if !refusal.is_about_access() {
            return Err(refusal.into_failure());
        }
        self.tokens.discard(&token).await;
        let token = self.tokens.current(&self.client).await?;
        self.post(to, message, &token)
            .await?
            .map_err(Refusal::into_failure)
    }

    /// The outer error: no answer. The inner one: an answer that refuses.
    async fn post(
        &self,
        to: &PushDestination,
        message: &PushMessage,
        token: &SecretString,
    ) -> Result<Result<(), Refusal>, ProviderFailure> {
        let life = message.expires_at.since(self.clock.now());
        let body = SendRequest {
            message: Message {
                token: to.address.expose(),
                data: Data {
                    transaction_id: message.transaction_id.to_string(),
                    profile_id: message.profile_id.as_str(),
                    message: message.message.expose(),
                },
                android: Android {
                    priority: "HIGH",
                    ttl: format!("{}s", life.as_secs()),
                },
            },
        };
        let request = self
            .client
            .post(self.url.clone())
            .bearer_auth(token.expose())
            .json(&body);
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
}

fn send_url(endpoint: Option<&Url>, project_id: &str) -> Option<Url> {
    let mut url = match endpoint {
        Some(endpoint) => endpoint.clone(),
        None => Url::parse(DEFAULT_ENDPOINT).ok()?,
    };
    url.path_segments_mut().ok()?.pop_if_empty().extend([
        "v1",
        "projects",
        project_id,
        "messages:send",
    ]);
    Some(url)
}

struct Refusal {
    status: u16,
    error: Error,
    after: Option<Duration>,
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error: Error,
}

/// `google.rpc.Status`, with what FCM puts into its details.
#[derive(Default, Deserialize)]
struct Error {
    status: Option<String>,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    /// Of `google.firebase.fcm.v1.FcmError`.
    error_code: Option<String>,
    /// Of `google.rpc.BadRequest`.
    #[serde(default)]
    field_violations: Vec<FieldViolation>,
}

#[derive(Deserialize)]
struct FieldViolation {
    #[serde(default)]
    field: String,
}

impl Error {
    /// FCM's own code, which says more than the general one.
    fn code(&self) -> Option<&str> {
        let specific = self
            .details
            .iter()
            .find_map(|detail| detail.error_code.as_deref());
        specific.or(self.status.as_deref())
    }

    /// `INVALID_ARGUMENT` comes with the field that is wrong, or, for an address that never was
    /// one, with FCM's own code and no field.
    fn is_about_token(&self) -> bool {
        let mut fields = self
            .details
            .iter()
            .flat_map(|detail| &detail.field_violations)
            .peekable();
        match fields.peek() {
            Some(_) => fields.all(|violation| violation.field == "message.token"),
            None => self
                .details
                .iter()
                .any(|detail| detail.error_code.is_some()),
        }
    }
}

impl Refusal {
    async fn read(response: Response) -> Self {
        let (status, after) = (response.status().as_u16(), retry_after(&response));
        // A body that cannot be read costs the code only; the status still says what to do.
        let body = read_body(response, PROVIDER_BODY_BYTES_MAX)
            .await
            .unwrap_or_default();
        let body: ErrorBody = serde_json::from_slice(&body).unwrap_or_default();
        Self {
            status,
            error: body.error,
            after,
        }
    }

    /// The access token was refused, not the message or the project behind the address.
    fn is_about_access(&self) -> bool {
        matches!(self.status, 401 | 403)
            && !matches!(
                self.error.code(),
                Some("SENDER_ID_MISMATCH" | "THIRD_PARTY_AUTH_ERROR")
            )
    }

    fn into_failure(self) -> ProviderFailure {
        let code = self.error.code();
        let kind = classify::fcm(self.status, code, self.error.is_about_token(), self.after);
        ProviderFailure::answered(PROVIDER, kind, self.status, code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> Error {
        serde_json::from_str::<ErrorBody>(json).unwrap().error
    }

    #[test]
    fn errors_as_google_writes_them() {
        let unregistered = error(
            r#"{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND","details":[
                {"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED"}]}}"#,
        );
        assert_eq!(unregistered.code(), Some("UNREGISTERED"));
        let never_one = error(
            r#"{"error":{"code":400,"message":"The registration token is not a valid FCM registration token",
                "status":"INVALID_ARGUMENT","details":[
                {"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"INVALID_ARGUMENT"}]}}"#,
        );
        assert_eq!(
            (never_one.code(), never_one.is_about_token()),
            (Some("INVALID_ARGUMENT"), true)
        );
        let bad_data = error(
            r#"{"error":{"code":400,"message":"Invalid value at 'message.data[0].value' (TYPE_STRING), 12",
                "status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations":[{"field":"message.data[0].value","description":"Invalid value"}]}]}}"#,
        );
        assert_eq!(
            (bad_data.code(), bad_data.is_about_token()),
            (Some("INVALID_ARGUMENT"), false)
        );
        assert_eq!(error("{}").code(), None);
    }

    #[test]
    fn urls() {
        let url = send_url(None, "my-project").unwrap();
        assert_eq!(
            url.as_str(),
            "https://fcm.googleapis.com/v1/projects/my-project/messages:send"
        );
        let own = Url::parse("http://127.0.0.1:9101").unwrap();
        assert_eq!(
            send_url(Some(&own), "a/b").unwrap().as_str(),
            "http://127.0.0.1:9101/v1/projects/a%2Fb/messages:send"
        );
    }
}
