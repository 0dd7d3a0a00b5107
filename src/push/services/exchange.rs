//! One request to a push service, and what it answers.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;

use crate::egress::{PROVIDER_BODY_BYTES_MAX, ProviderFailure, read_body, retry_after_seconds};

/// The answer of a service that did not take the push.
pub(super) struct Refused<B> {
    pub(super) status: u16,
    pub(super) after: Option<Duration>,
    /// The default where there is none that can be read: the status still says what to do.
    pub(super) body: B,
}

/// Sends a request. The outer error means that there was no answer, the inner one that the answer
/// refused.
pub(super) async fn send<B: DeserializeOwned + Default>(
    service: &'static str,
    request: RequestBuilder,
) -> Result<Result<(), Refused<B>>, ProviderFailure> {
    let response = request
        .send()
        .await
        .map_err(|error| ProviderFailure::unreachable(service, &error))?;

    let status = response.status();
    if status.is_success() {
        return Ok(Ok(()));
    }

    let after = retry_after_seconds(&response);
    let body = read_body(response, PROVIDER_BODY_BYTES_MAX)
        .await
        .unwrap_or_default();

    Ok(Err(Refused {
        status: status.as_u16(),
        after,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }))
}
