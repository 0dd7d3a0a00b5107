//! The generic HTTP gateway: `POST` of JSON. `204` means that the message was taken; every other
//! answer means that it was not.

use reqwest::{Client, StatusCode};
use serde::Serialize;
use url::Url;

use super::types::SmsMessage;
use crate::egress::{FailureKind, ProviderFailure, retry_after_seconds};
use crate::secret::SecretString;

const PROVIDER: &str = "http";

#[derive(Serialize)]
struct Request<'a> {
    phone_number: &'a str,
    message: &'a str,
    verification_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_id: Option<&'a str>,
}

pub(super) async fn send(
    client: &Client,
    endpoint: &Url,
    credentials: Option<&(String, SecretString)>,
    message: &SmsMessage,
) -> Result<(), ProviderFailure> {
    let mut request = client.post(endpoint.clone()).json(&Request {
        phone_number: message.to.expose(),
        message: message.text.expose(),
        verification_code: message.code.expose(),
        sender_id: message.sender_id.as_deref(),
    });

    if let Some((username, password)) = credentials {
        request = request.basic_auth(username, Some(password.expose()));
    }

    let response = request
        .send()
        .await
        .map_err(|error| ProviderFailure::unreachable(PROVIDER, &error))?;

    if response.status() == StatusCode::NO_CONTENT {
        return Ok(());
    }

    let status = response.status().as_u16();
    let kind = FailureKind::from_status(status, retry_after_seconds(&response));
    Err(ProviderFailure::answered(PROVIDER, kind, status, None))
}
