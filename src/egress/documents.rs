//! Small public documents of others, such as a client's keys.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::ACCEPT;
use url::Url;

use super::client::{Egress, InvalidEgress, PROVIDER_BODY_BYTES_MAX, read_body};
use super::failure::{FailureKind, ProviderFailure};

/// The name in logs.
const PROVIDER: &str = "document";

/// For a whole fetch: whoever needs the document waits for it.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Fetches documents. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Documents {
    client: Client,
}

impl Documents {
    /// # Errors
    /// When no HTTP client can be made, such as for a proxy that is none.
    pub fn new(egress: &Egress) -> Result<Self, InvalidEgress> {
        let client = egress.builder(None)?.timeout(TIMEOUT).build();
        let client = client.map_err(|_| InvalidEgress::Tls)?;
        Ok(Self { client })
    }

    /// The JSON document at an address: at most 64 KiB, and of 200 only. Redirects are not followed.
    pub async fn fetch(&self, address: &Url) -> Result<Vec<u8>, ProviderFailure> {
        let unreachable = |error: &reqwest::Error| ProviderFailure::unreachable(PROVIDER, error);

        let request = self.client.get(address.clone());
        let request = request.header(ACCEPT, "application/jwk-set+json, application/json");
        let response = request.send().await.map_err(|error| unreachable(&error))?;

        let status = response.status().as_u16();
        if status != 200 {
            let kind = FailureKind::from_status(status, None);
            return Err(ProviderFailure::answered(PROVIDER, kind, status, None));
        }

        let body = read_body(response, PROVIDER_BODY_BYTES_MAX).await;
        body.map_err(|error| unreachable(&error))
    }
}
