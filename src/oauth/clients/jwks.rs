//! The keys that clients publish at their `jwks_uri` (RFC 7591 §2), fetched when they are needed.
//!
//! A client rotates its keys by publishing the next one beside the present one. So a signature by
//! none of the keys that are known is a reason to look again, but not more often than once in
//! [`PAUSE`]: whoever sends garbage in a client's name does not have the server fetch each time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::clock::{Clock, Timestamp};
use crate::egress::Documents;
use crate::jose::ClientKey;

/// How long keys are good without a look at where they come from: until then one that its client has
/// withdrawn may still sign.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Between two fetches of the same keys.
const PAUSE: Duration = Duration::from_secs(30);
/// The most keys of a client that are looked at: each may be tried for a signature.
const KEYS_MAX: usize = 8;

/// Keys as they were when they were fetched.
#[derive(Clone, Default)]
struct Known {
    keys: Arc<Vec<ClientKey>>,
    /// When it was last tried; `None` where it never was.
    tried_at: Option<Timestamp>,
    /// When that last succeeded.
    fetched_at: Option<Timestamp>,
}

/// What is known of one address. The lock is held while it is fetched: others wait for the same
/// answer.
type Place = Arc<tokio::sync::Mutex<Known>>;

/// Keys by the address that they are published at. As many as clients that are configured with one.
pub(super) struct PublishedKeys {
    documents: Documents,
    clock: Clock,
    places: Mutex<HashMap<String, Place>>,
}

impl PublishedKeys {
    pub(super) fn new(documents: Documents, clock: Clock) -> Self {
        Self {
            documents,
            clock,
            places: Mutex::default(),
        }
    }

    /// The keys that are published at an address, at most [`LIFETIME`] ago. Where it cannot be reached
    /// the last ones stay good for as long again.
    pub(super) async fn at(&self, address: &str) -> Arc<Vec<ClientKey>> {
        self.known(address, |known, now| {
            known.fetched_at.is_none_or(|at| at.after(LIFETIME) <= now)
        })
        .await
    }

    /// The keys that are published there now, as `seen` have not verified a signature; `None` where
    /// there are no others.
    pub(super) async fn newer_than(
        &self,
        seen: &Arc<Vec<ClientKey>>,
        address: &str,
    ) -> Option<Arc<Vec<ClientKey>>> {
        let keys = self
            .known(address, |known, _| Arc::ptr_eq(&known.keys, seen))
            .await;

        (!Arc::ptr_eq(&keys, seen)).then_some(keys)
    }

    async fn known(
        &self,
        address: &str,
        is_stale: impl FnOnce(&Known, Timestamp) -> bool,
    ) -> Arc<Vec<ClientKey>> {
        let place = Arc::clone(self.places.lock().entry(address.to_owned()).or_default());
        let mut known = place.lock().await;

        let now = self.clock.now();
        let may_fetch = known.tried_at.is_none_or(|at| at.after(PAUSE) <= now);
        if may_fetch && is_stale(&known, now) {
            known.tried_at = Some(now);
            if let Some(keys) = self.fetch(address).await {
                known.keys = Arc::new(keys);
                known.fetched_at = Some(now);
            } else if known
                .fetched_at
                .is_some_and(|at| at.after(LIFETIME).after(LIFETIME) <= now)
            {
                known.keys = Arc::default();
            }
        }

        Arc::clone(&known.keys)
    }

    /// `None` where there is no set of keys.
    async fn fetch(&self, address: &str) -> Option<Vec<ClientKey>> {
        // Checked when it was configured.
        let url = Url::parse(address).ok()?;
        let document = match self.documents.fetch(&url).await {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(jwks_uri = %url, %error, "the keys of a client could not be fetched");
                return None;
            }
        };

        let keys = parse(&document);
        if keys.is_none() {
            tracing::warn!(jwks_uri = %url, "the keys of a client are no JSON Web Key Set");
        }
        keys
    }
}

/// The keys of a set that clients can sign with; others, such as those for encryption, are passed over
/// (RFC 7517 §5). `None` for what is no set.
fn parse(document: &[u8]) -> Option<Vec<ClientKey>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }

    let set: Set = serde_json::from_slice(document).ok()?;
    let is_for_signing = |key: &&Value| key.get("use").is_none_or(|of| of == "sig");
    let keys = set.keys.iter().filter(is_for_signing);

    Some(
        keys.filter_map(|key| ClientKey::from_json(&key.to_string()).ok())
            .take(KEYS_MAX)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read_for_the_keys_that_can_sign() {
        let ed25519 =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
        let set = format!(
            r#"{{"keys":[{ed25519},"use":"enc"}},{ed25519},"use":"sig","kid":"1"}},{ed25519}}},{{"kty":"oct","k":"AAAA"}},7]}}"#
        );
        assert_eq!(parse(set.as_bytes()).unwrap().len(), 2);

        let many = vec![format!("{ed25519}}}"); 99].join(",");
        let many = format!(r#"{{"keys":[{many}]}}"#);
        assert_eq!(parse(many.as_bytes()).unwrap().len(), KEYS_MAX);

        for none in ["", "{}", "[]", "<html>", r#"{"keys":{}}"#] {
            assert!(parse(none.as_bytes()).is_none(), "{none}");
        }
    }
}
