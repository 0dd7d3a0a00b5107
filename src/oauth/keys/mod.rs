//! The keys the server signs its tokens with: made when first needed, replaced in time, published
//! at `/oauth/keys`.
//!
//! All nodes share the rows. Each keeps the opened keys in memory and looks again regularly, much
//! more often than a successor is published before it signs, so that no node publishes a key later
//! than another signs with it.

mod persist;
mod schedule;
mod snapshot;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use serde_json::Value;
use tokio::sync::{Mutex, oneshot};

use super::OAuthError;
use crate::base::Base;
use crate::jose::{JoseError, SigningAlgorithm, SigningKey, VerifyingKey};
use crate::random::SharedRandom;
use crate::secret::{Keyring, Purpose};
use crate::settings::{Settings, TokenPolicy};
use crate::store::rows::SigningKeyRow;
use crate::users::events::{Concerning, EventType, event};
use persist::NewKey;
use snapshot::Snapshot;

/// How often a node looks at the keys.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// The server's signing keys.
pub(super) struct SigningKeys {
    base: Base,
    snapshot: ArcSwap<Snapshot>,
    /// The settings that there are keys for.
    ready_for: ArcSwapOption<Settings>,
    /// One task at a time looks after them.
    looking: Mutex<()>,
}

impl SigningKeys {
    pub(super) fn new(base: Base) -> Self {
        Self {
            base,
            snapshot: ArcSwap::default(),
            ready_for: ArcSwapOption::default(),
            looking: Mutex::default(),
        }
    }

    /// Sees to it that there is a key for each algorithm the settings ask for. Costs nothing while
    /// they do not change.
    pub(super) async fn ensure(&self) -> Result<(), OAuthError> {
        if self.is_ready() {
            return Ok(());
        }
        let _looking = self.looking.lock().await;
        // Whoever looked until now may have done it.
        if self.is_ready() {
            Ok(())
        } else {
            self.look().await
        }
    }

    fn is_ready(&self) -> bool {
        self.ready_for
            .load()
            .as_ref()
            .is_some_and(|ready| Arc::ptr_eq(ready, &self.base.settings.load()))
    }

    /// The key that signs with this algorithm now.
    pub(super) fn signing(
        &self,
        algorithm: SigningAlgorithm,
    ) -> Result<Arc<SigningKey>, OAuthError> {
        let key = self
            .snapshot
            .load()
            .signing(algorithm, self.base.clock.now())
            .cloned();
        key.ok_or_else(|| {
            tracing::error!(%algorithm, "there is no key to sign with");
            OAuthError::Unavailable
        })
    }

    /// The key of this name, if it is published.
    pub(super) fn published_key(&self, kid: &str) -> Option<VerifyingKey> {
        self.snapshot
            .load()
            .published_key(kid, self.base.clock.now())
    }

    /// The public keys of everything that may still be in use.
    pub(super) fn published(&self) -> Vec<Value> {
        self.snapshot.load().published(self.base.clock.now())
    }

    /// Looks at the keys now and then, for ever.
    pub(super) async fn follow(&self) {
        let mut failing = false;
        loop {
            match self.maintain().await {
                Ok(()) => failing = false,
                Err(_) if failing => {}
                Err(error) => {
                    failing = true;
                    tracing::warn!(%error, "the signing keys cannot be looked after; those there are stay in use");
                }
            }
            self.base.clock.sleep(LOOK_INTERVAL).await;
        }
    }

    /// Loads the keys, makes those that are due, removes those whose time is over.
    async fn maintain(&self) -> Result<(), OAuthError> {
        let _looking = self.looking.lock().await;
        self.look().await
    }

    async fn look(&self) -> Result<(), OAuthError> {
        let settings = self.base.settings.load();
        self.open(persist::load(&self.base.store).await?);
        for algorithm in algorithms(&settings) {
            self.make_if_due(algorithm, &settings).await?;
        }
        if self.snapshot.load().has_retired(self.base.clock.now()) {
            persist::delete_retired(&self.base.store, self.base.clock.now()).await?;
        }
        self.ready_for.store(Some(settings));
        Ok(())
    }

    async fn make_if_due(
        &self,
        algorithm: SigningAlgorithm,
        settings: &Settings,
    ) -> Result<(), OAuthError> {
        let (now, rotation) = (
            self.base.clock.now(),
            settings.tokens.signing_key_rotation(),
        );
        let latest = persist::latest(&self.snapshot.load().rows, algorithm.as_str());
        if schedule::decide(latest, rotation, now).is_none() {
            return Ok(());
        }
        let key = self.generate(algorithm).await?;
        let event = event(
            EventType::JwtKeysRotated,
            Concerning::default(),
            now,
            self.base.random.as_ref(),
        );
        self.open(persist::add(&self.base.store, key, rotation, now, event).await?);
        tracing::info!(%algorithm, "a signing key was added");
        Ok(())
    }

    fn open(&self, rows: Vec<SigningKeyRow>) {
        if self.snapshot.load().rows != rows {
            self.snapshot
                .store(Arc::new(Snapshot::open(rows, &self.base.keyring)));
        }
    }

    /// On a thread of its own: an RSA key takes up to a second.
    async fn generate(&self, algorithm: SigningAlgorithm) -> Result<NewKey, OAuthError> {
        let (reply, made) = oneshot::channel();
        let (keyring, random) = (
            Arc::clone(&self.base.keyring),
            Arc::clone(&self.base.random),
        );
        let make = move || {
            // Whoever waited may have gone.
            let _ = reply.send(new_key(algorithm, &keyring, &random));
        };
        let thread = std::thread::Builder::new()
            .name("signing-key".to_owned())
            .spawn(make);
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "no signing key can be made");
            OAuthError::Unavailable
        };
        thread.map_err(|error| failed(&error))?;
        made.await
            .map_err(|error| failed(&error))?
            .map_err(|error| failed(&error))
    }
}

fn new_key(
    algorithm: SigningAlgorithm,
    keyring: &Keyring,
    random: &SharedRandom,
) -> Result<NewKey, JoseError> {
    let key = SigningKey::generate(algorithm, random.as_ref())?;
    let kid = key.kid().to_owned();
    let sealed = keyring.seal(
        Purpose::SigningKey,
        kid.as_bytes(),
        &key.to_pkcs8()?,
        random.as_ref(),
    );
    Ok(NewKey {
        kid,
        algorithm: algorithm.as_str(),
        sealed,
    })
}

/// The algorithms that tokens are signed with under these settings: `ES256`, and what somebody asks
/// for.
pub(super) fn algorithms(settings: &Settings) -> BTreeSet<SigningAlgorithm> {
    let of = |policy: &TokenPolicy| policy.signing_algorithm;
    let web_clients = settings
        .web_clients
        .values()
        .map(|client| of(&client.tokens));
    let applications = settings
        .applications
        .values()
        .map(|application| of(&application.tokens));
    let resource_servers = settings
        .resource_servers
        .values()
        .filter_map(|server| server.signing_algorithm);
    let asked_for = web_clients.chain(applications).chain(resource_servers);
    asked_for.chain([SigningAlgorithm::Es256]).collect()
}
