//! The keys the server signs its tokens with: made when first needed, rotated in time, published at
//! `/oauth/keys`.
//!
//! All nodes share the rows. Each keeps the opened keys in memory and reads the rows again much
//! more often than a successor is published before it signs, so that no node publishes a key later
//! than another signs with it.

mod generate;
mod persist;
mod schedule;
mod snapshot;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::error::OAuthError;
use super::model::StoredKey;
use crate::base::Base;
use crate::clock::Timestamp;
use crate::jose::{JoseError, SigningAlgorithm, SigningKey, VerifyingKey};
use crate::settings::Settings;
use crate::store::StoreError;
use crate::store::rows::EventRow;
use crate::users::events::{Concerning, EventType, event};
use schedule::Plan;
use snapshot::Snapshot;

/// How often a node reads the keys.
const READ_INTERVAL: Duration = Duration::from_secs(10);

/// A signing key that an administrator had made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedKey {
    pub kid: String,
    pub algorithm: SigningAlgorithm,
    /// From when it signs.
    pub active_from: Timestamp,
}

/// The server's signing keys.
pub struct SigningKeys {
    base: Base,
    snapshot: ArcSwap<Snapshot>,
    /// The settings by whose plan there are keys.
    ready_for: ArcSwapOption<Settings>,
    /// Held by the one task that reads and makes keys.
    maintaining: Mutex<()>,
}

impl SigningKeys {
    pub(super) fn new(base: &Base) -> Self {
        Self {
            base: base.clone(),
            snapshot: ArcSwap::default(),
            ready_for: ArcSwapOption::default(),
            maintaining: Mutex::default(),
        }
    }

    /// The public keys of the tokens in use (RFC 7517 §5), each a JWK.
    ///
    /// # Errors
    /// When there are none yet and none can be made.
    pub async fn published(&self) -> Result<Vec<Value>, OAuthError> {
        self.ensure().await?;
        Ok(self.snapshot.load().published(self.base.clock.now()))
    }

    /// Reads and rotates the keys now and then, for ever.
    pub async fn follow(&self) {
        let mut is_failing = false;

        loop {
            match self.maintain().await {
                Ok(()) => is_failing = false,
                // Said once, and not again every ten seconds.
                Err(_) if is_failing => {}
                Err(error) => {
                    is_failing = true;
                    tracing::warn!(%error, "the signing keys cannot be read or rotated; those in memory stay in use");
                }
            }

            self.base.clock.sleep(READ_INTERVAL).await;
        }
    }

    /// Makes sure that there is a key for each algorithm. Costs nothing while the settings do not
    /// change.
    pub(super) async fn ensure(&self) -> Result<(), OAuthError> {
        if self.is_ready() {
            return Ok(());
        }

        // Of all requests that wait for the first key, one makes it.
        let _maintaining = self.maintaining.lock().await;

        // Whoever had the lock may have done it.
        if self.is_ready() {
            Ok(())
        } else {
            self.read_and_rotate().await
        }
    }

    fn is_ready(&self) -> bool {
        let settings = self.base.settings.load();

        self.ready_for
            .load()
            .as_ref()
            .is_some_and(|ready| Arc::ptr_eq(ready, &settings))
    }

    /// Signs claims with the key of this algorithm that signs now.
    pub(super) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String, OAuthError> {
        let signed = self.signing(algorithm)?.sign(typ, claims);

        signed.map_err(|error| match error {
            // A scope and the name of a user have bounds, but together they may be too long.
            JoseError::TooLong => OAuthError::InvalidScope,
            _ => {
                tracing::error!(%error, "a token cannot be signed");
                OAuthError::Unavailable
            }
        })
    }

    fn signing(&self, algorithm: SigningAlgorithm) -> Result<Arc<SigningKey>, OAuthError> {
        let snapshot = self.snapshot.load();
        let key = snapshot.signing(algorithm, self.base.clock.now()).cloned();

        key.ok_or_else(|| {
            tracing::error!(%algorithm, "there is no key to sign with");
            OAuthError::Unavailable
        })
    }

    /// The published key with this `kid`.
    pub(super) fn find_published_key(&self, kid: &str) -> Option<VerifyingKey> {
        let snapshot = self.snapshot.load();
        snapshot.published_key(kid, self.base.clock.now())
    }

    /// The published key with this `kid`, if it is one of this algorithm.
    pub(super) fn published_key(
        &self,
        kid: &str,
        algorithm: SigningAlgorithm,
    ) -> Option<VerifyingKey> {
        let key = self.find_published_key(kid);
        key.filter(|key| key.algorithm() == algorithm)
    }

    async fn maintain(&self) -> Result<(), OAuthError> {
        let _maintaining = self.maintaining.lock().await;
        self.read_and_rotate().await
    }

    /// Reads the keys, makes those that are due, deletes those that have retired.
    async fn read_and_rotate(&self) -> Result<(), OAuthError> {
        let Base {
            store,
            settings,
            clock,
            ..
        } = &self.base;

        let settings = settings.load();

        self.open(persist::load(store).await?)?;

        // One after the other: an RSA key keeps a core busy for up to a second.
        for algorithm in SigningAlgorithm::ALL {
            self.make_if_due(algorithm, &settings).await?;
        }

        if self.snapshot.load().has_retired(clock.now()) {
            persist::delete_retired(store, clock.now()).await?;
        }

        // The settings as they were at first: those that came into force meanwhile may have another
        // plan.
        self.ready_for.store(Some(settings));

        Ok(())
    }

    /// Makes a key for each algorithm, whatever keys there are, in the order of
    /// [`SigningAlgorithm::ALL`].
    ///
    /// With `withdraw`, they sign at once and those before them are gone. What those have signed is
    /// still accepted by this server itself, which knows its tokens by their rows.
    pub(super) async fn rotate(&self, withdraw: bool) -> Result<Vec<RotatedKey>, OAuthError> {
        let Base {
            store,
            clock,
            random,
            keyring,
            settings,
            ..
        } = &self.base;

        let plan = Plan::of(&settings.load().tokens);
        let mut rotated = Vec::new();

        for algorithm in SigningAlgorithm::ALL {
            let key = generate::key(algorithm, keyring, random).await?;
            let now = clock.now();
            let next = if withdraw {
                schedule::replacement(now)
            } else {
                plan.successor(now)
            };

            let event = self.rotation_event(now);
            let added = persist::rotate(store, key, next, now, event).await?;
            rotated.push(RotatedKey {
                kid: added.kid,
                algorithm,
                active_from: added.active_from,
            });
        }

        Ok(rotated)
    }

    async fn make_if_due(
        &self,
        algorithm: SigningAlgorithm,
        settings: &Settings,
    ) -> Result<(), OAuthError> {
        let Base {
            store,
            clock,
            random,
            keyring,
            ..
        } = &self.base;

        let plan = Plan::of(&settings.tokens);
        let latest = self.snapshot.load().latest(algorithm);

        // Decided again where the key is stored: another node may be faster.
        if schedule::decide(latest, plan, clock.now()).is_none() {
            return Ok(());
        }

        let key = generate::key(algorithm, keyring, random).await?;
        let now = clock.now();
        let rotated = self.rotation_event(now);
        self.open(persist::add(store, key, plan, now, rotated).await?)?;

        tracing::info!(%algorithm, "a signing key was added");

        Ok(())
    }

    fn rotation_event(&self, now: Timestamp) -> EventRow {
        let concerning = Concerning::default();
        event(
            EventType::JwtKeysRotated,
            concerning,
            now,
            self.base.random.as_ref(),
        )
    }

    fn open(&self, keys: Vec<StoredKey>) -> Result<(), StoreError> {
        if !self.snapshot.load().is_of(&keys) {
            let opened = Snapshot::open(keys, &self.base.keyring)?;
            self.snapshot.store(Arc::new(opened));
        }
        Ok(())
    }
}
