//! Google's push service: FCM, HTTP v1.

mod access_token;
mod classify;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::{Client, ClientBuilder};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::clock::Clock;
use crate::egress::ProviderFailure;
use crate::platform::Platform;
use crate::push::services::exchange::{self, Refused};
use crate::push::types::{
    Connector, CredentialField, CredentialForm, PushConfiguration, PushDestination, PushMessage,
    PushSender, PushService, is_token, unusable_tls,
};
use crate::secret::SecretString;
use access_token::{AccessTokens, NAME, ServiceAccount};

const DEFAULT_ENDPOINT: &str = "https://fcm.googleapis.com";
const SERVICE_ACCOUNT: &str = "service_account";

pub(super) static SERVICE: PushService = PushService {
    name: NAME,
    platforms: &[Platform::Android],
    credentials: &[CredentialField {
        name: SERVICE_ACCOUNT,
        form: CredentialForm::Secret {
            is_usable: is_service_account,
            requirement: "must be the service account's key file from Google: JSON with \
                          project_id, client_email, private_key and token_uri",
        },
    }],
    needs_bundle_id: false,
    is_address: is_token,
    connector: |clock| {
        Arc::new(FcmConnector {
            clock: clock.clone(),
        })
    },
};

fn is_service_account(text: &str) -> bool {
    let Ok(account) = serde_json::from_str::<serde_json::Value>(text) else {
        return false;
    };
    ["project_id", "client_email", "private_key", "token_uri"]
        .iter()
        .all(|field| account.get(field).is_some_and(serde_json::Value::is_string))
}

struct FcmConnector {
    clock: Clock,
}

impl Connector for FcmConnector {
    fn connect(
        &self,
        configuration: &PushConfiguration,
        client: ClientBuilder,
    ) -> Result<Box<dyn PushSender>, ProviderFailure> {
        let client = client.build().map_err(|_| unusable_tls(NAME))?;
        let account = ServiceAccount::parse(configuration.credentials.get(SERVICE_ACCOUNT))?;
        let url = send_url(configuration.endpoint.as_ref(), &account.project_id)
            .ok_or_else(|| ProviderFailure::configuration(NAME, "endpoint is not usable"))?;

        Ok(Box::new(Fcm {
            client,
            url,
            tokens: AccessTokens::new(account, self.clock.clone()),
            clock: self.clock.clone(),
        }))
    }
}

/// Sends for one push configuration.
struct Fcm {
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

/// The members that the app gets: the transaction, if there is one to fetch, the profile and the
/// message. Nothing else. There is no `notification`, so that the app decides what to show: it alone
/// knows whether the message may be seen on a locked screen.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    profile_id: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Android {
    priority: &'static str,
    ttl: String,
    /// Of two pushes with the same key a device that was out of reach gets the last only.
    #[serde(skip_serializing_if = "Option::is_none")]
    collapse_key: Option<String>,
}

impl PushSender for Fcm {
    fn send<'a>(
        &'a self,
        destination: &'a PushDestination,
        message: &'a PushMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>> {
        self.send_renewing_token(destination, message).boxed()
    }
}

impl Fcm {
    /// Sends once, and a second time with a new access token if Google refuses the first one.
    async fn send_renewing_token(
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

    /// The outer error means that there was no answer, the inner one that the answer refused.
    async fn post(
        &self,
        to: &PushDestination,
        message: &PushMessage,
        token: &SecretString,
    ) -> Result<Result<(), Refusal>, ProviderFailure> {
        let transaction_id = message.transaction_id.map(|id| id.to_string());
        let life = message.expires_at.since(self.clock.now());
        let body = SendRequest {
            message: Message {
                token: to.address.expose(),
                data: Data {
                    transaction_id: transaction_id.clone(),
                    profile_id: message.profile_id.as_str(),
                    message: message.message.expose(),
                },
                android: Android {
                    priority: "HIGH",
                    ttl: format!("{}s", life.as_secs()),
                    collapse_key: transaction_id,
                },
            },
        };

        let request = self
            .client
            .post(self.url.clone())
            .bearer_auth(token.expose())
            .json(&body);

        let sent = exchange::send(NAME, request).await?;

        Ok(sent.map_err(Refusal::from))
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

/// `google.rpc.Status` with FCM's details.
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
    /// FCM's own code, or the general one where it has none.
    fn code(&self) -> Option<&str> {
        let specific = self
            .details
            .iter()
            .find_map(|detail| detail.error_code.as_deref());
        specific.or(self.status.as_deref())
    }

    /// Whether `INVALID_ARGUMENT` is about the address. It comes with the field that is wrong; for
    /// an address that never existed it comes with FCM's own code and no field.
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

impl From<Refused<ErrorBody>> for Refusal {
    fn from(refused: Refused<ErrorBody>) -> Self {
        Self {
            status: refused.status,
            error: refused.body.error,
            after: refused.after,
        }
    }
}

impl Refusal {
    /// Whether Google refused the access token, and not the message or the address's project. With 403
    /// the token is good, and its service account may not send: another token would not help.
    fn is_about_access(&self) -> bool {
        self.status == 401 && self.error.code() != Some("THIRD_PARTY_AUTH_ERROR")
    }

    fn into_failure(self) -> ProviderFailure {
        let code = self.error.code();
        let kind = classify::classify(self.status, code, self.error.is_about_token(), self.after);
        ProviderFailure::answered(NAME, kind, self.status, code)
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
