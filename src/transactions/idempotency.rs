//! `Idempotency-Key`: the same request with the same key is carried out once, and gets the same
//! answer however often it comes.
//!
//! The key's row is written in the commit that carries the request out, so that no crash can
//! separate them. The answer is stored sealed beside it. Where a crash came in between, the answer
//! is reconstructed from the transaction.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::WebsiteError;
use super::methods;
use super::persist;
use super::services::Services;
use super::types::{IdempotencyKey, Reason, Started, StartedDevice};
use crate::clock::Timestamp;
use crate::ids::{ClientId, TransactionId};
use crate::secret::{Keyring, Purpose, SecretString, constant_time_eq};
use crate::settings::{AuthenticationMethod, Platform};
use crate::store::rows::{IdempotencyRow, TransactionRow};
use crate::store::{CorruptRow, StoreError};

/// How long a key is stored.
const RETENTION: Duration = Duration::from_secs(24 * 3600);
/// How long a request without an answer counts as running: longer than any start takes.
const RUNNING_MAX: Duration = Duration::from_secs(30);

/// What a website hears, and whether it heard it before.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    pub result: Result<T, WebsiteError>,
    /// Whether it is a repetition: nothing was done this time.
    pub replayed: bool,
}

impl<T> Answer<T> {
    const fn fresh(result: Result<T, WebsiteError>) -> Self {
        Self {
            result,
            replayed: false,
        }
    }

    const fn replayed(result: Result<T, WebsiteError>) -> Self {
        Self {
            result,
            replayed: true,
        }
    }
}

/// A key as it is stored: as hashes, which tell neither the key nor the request.
#[derive(Clone)]
pub(super) struct Key {
    client: ClientId,
    created_at: Timestamp,
    key_hash: [u8; 32],
    request_hash: [u8; 32],
}

impl Key {
    fn new(services: &Services, key: IdempotencyKey) -> Self {
        let hash = |bytes| services.base.keyring.hash(Purpose::IdempotencyKey, bytes);
        Self {
            key_hash: hash(key.key.as_bytes()),
            request_hash: hash(&key.request),
            client: key.client_id,
            created_at: services.base.clock.now(),
        }
    }

    pub(super) fn row(&self, transaction: TransactionId) -> IdempotencyRow {
        IdempotencyRow {
            client_id: self.client.to_string(),
            key_hash: self.key_hash.to_vec(),
            request_hash: self.request_hash.to_vec(),
            transaction_id: Some(transaction.as_bytes().to_vec()),
            answer: None,
            created_at: self.created_at.as_millis(),
            expires_at: self.created_at.after(RETENTION).as_millis(),
        }
    }
}

/// An answer that can be stored and given again.
pub(super) trait Replayable: Sized + Send + 'static {
    /// What to store. `None` for a request that changed nothing: it may be made again.
    fn to_stored(result: &Result<Self, WebsiteError>) -> Option<StoredAnswer>;

    fn from_stored(stored: StoredAnswer, keyring: &Keyring) -> Result<Self, WebsiteError>;

    /// What the answer must have been, where only the transaction was saved.
    fn reconstruct(row: &TransactionRow, keyring: &Keyring) -> Result<Self, WebsiteError>;
}

/// A stored answer.
#[derive(Serialize, Deserialize)]
pub(super) enum StoredAnswer {
    Started {
        id: TransactionId,
        method: AuthenticationMethod,
        time_to_live: u64,
        expires_at: i64,
        device: Option<(String, Platform)>,
    },
    Resent,
    PushNotSent,
    SmsNotSent,
}

impl StoredAnswer {
    /// Of the errors, only those after which something has happened are stored.
    const fn of_error(error: &WebsiteError) -> Option<Self> {
        match error {
            WebsiteError::PushNotSent => Some(Self::PushNotSent),
            WebsiteError::SmsNotSent => Some(Self::SmsNotSent),
            _ => None,
        }
    }
}

impl Replayable for Started {
    fn to_stored(result: &Result<Self, WebsiteError>) -> Option<StoredAnswer> {
        let started = match result {
            Ok(started) => started,
            Err(error) => return StoredAnswer::of_error(error),
        };

        Some(StoredAnswer::Started {
            id: started.transaction_id,
            method: started.method,
            time_to_live: started.time_to_live_millis,
            expires_at: started.expires_at.as_millis(),
            device: started
                .device
                .as_ref()
                .map(|device| (device.name.clone(), device.platform)),
        })
    }

    fn from_stored(stored: StoredAnswer, keyring: &Keyring) -> Result<Self, WebsiteError> {
        match stored {
            StoredAnswer::Started {
                id,
                method,
                time_to_live,
                expires_at,
                device,
            } => Ok(Self {
                transaction_id: id,
                method,
                time_to_live_millis: time_to_live,
                expires_at: Timestamp::from_millis(expires_at),
                otp: password(method, id, keyring),
                device: device.map(|(name, platform)| StartedDevice { name, platform }),
            }),
            StoredAnswer::PushNotSent => Err(WebsiteError::PushNotSent),
            StoredAnswer::SmsNotSent => Err(WebsiteError::SmsNotSent),
            StoredAnswer::Resent => Err(WebsiteError::Unavailable),
        }
    }

    fn reconstruct(row: &TransactionRow, keyring: &Keyring) -> Result<Self, WebsiteError> {
        let result = persist::result_of(row)?;

        if let Some(sends) = methods::of(result.method).sends
            && result.reason == Some(Reason::FailedToSend)
        {
            return Err(sends.kind.not_sent());
        }

        let time_to_live = result.expires_at.since(result.created_at);

        Ok(Self {
            transaction_id: result.transaction_id,
            method: result.method,
            time_to_live_millis: u64::try_from(time_to_live.as_millis()).unwrap_or(0),
            expires_at: result.expires_at,
            otp: password(result.method, result.transaction_id, keyring),
            device: None,
        })
    }
}

impl Replayable for () {
    fn to_stored(result: &Result<Self, WebsiteError>) -> Option<StoredAnswer> {
        match result {
            Ok(()) => Some(StoredAnswer::Resent),
            Err(error) => StoredAnswer::of_error(error),
        }
    }

    fn from_stored(stored: StoredAnswer, _: &Keyring) -> Result<Self, WebsiteError> {
        match stored {
            StoredAnswer::Resent | StoredAnswer::Started { .. } => Ok(()),
            StoredAnswer::PushNotSent => Err(WebsiteError::PushNotSent),
            StoredAnswer::SmsNotSent => Err(WebsiteError::SmsNotSent),
        }
    }

    fn reconstruct(_: &TransactionRow, _: &Keyring) -> Result<Self, WebsiteError> {
        Ok(())
    }
}

/// The one-time password. It is derived, and so need not be stored.
fn password(
    method: AuthenticationMethod,
    id: TransactionId,
    keyring: &Keyring,
) -> Option<SecretString> {
    let derive = methods::of(method).password?;
    Some(derive(keyring, id))
}

/// Carries `operation` out, in a task of its own that goes on if the caller hangs up. If it was
/// carried out under the same key before, only gives the first answer again. The operation gets the
/// key to write it along with what it does.
pub(super) async fn once<T, F, O>(
    services: &Arc<Services>,
    key: Option<IdempotencyKey>,
    operation: O,
) -> Answer<T>
where
    T: Replayable,
    F: Future<Output = Result<T, WebsiteError>> + Send,
    O: FnOnce(Option<Key>) -> F + Send + 'static,
{
    let services = Arc::clone(services);

    let running = tokio::spawn(async move {
        match key {
            Some(key) => services.once(Key::new(&services, key), operation).await,
            None => Answer::fresh(operation(None).await),
        }
    });

    running
        .await
        .unwrap_or(Answer::fresh(Err(WebsiteError::Unavailable)))
}

fn corrupt(row: &IdempotencyRow) -> StoreError {
    CorruptRow::new("idempotency_keys", &row.key_hash).into()
}

impl Services {
    async fn once<T, F, O>(&self, key: Key, operation: O) -> Answer<T>
    where
        T: Replayable,
        F: Future<Output = Result<T, WebsiteError>>,
        O: FnOnce(Option<Key>) -> F,
    {
        match self.find_first(&key).await {
            Ok(None) => {}
            Ok(Some(row)) => return self.replay(&row).await,
            Err(error) => return Answer::fresh(Err(error)),
        }

        let result = operation(Some(key.clone())).await;
        if let Some(stored) = T::to_stored(&result) {
            self.store_answer(&key, &stored).await;
        }

        Answer::fresh(result)
    }

    /// The row of the first request with this key, if it was made before and has been answered.
    async fn find_first(&self, key: &Key) -> Result<Option<IdempotencyRow>, WebsiteError> {
        let now = self.base.clock.now();
        let found =
            persist::find_idempotency_key(&self.base.store, &key.client, key.key_hash).await?;
        let Some(row) = found.filter(|row| row.expires_at > now.as_millis()) else {
            return Ok(None);
        };
        if !constant_time_eq(&row.request_hash, &key.request_hash) {
            return Err(WebsiteError::IdempotencyKeyReused);
        }

        let created_at = Timestamp::from_millis(row.created_at);
        if row.answer.is_none() && now.before(RUNNING_MAX) < created_at {
            return Err(WebsiteError::IdempotencyKeyInUse);
        }

        Ok(Some(row))
    }

    async fn replay<T: Replayable>(&self, row: &IdempotencyRow) -> Answer<T> {
        match self.first_answer(row).await {
            Ok(result) => Answer::replayed(result),
            Err(error) => Answer::fresh(Err(error)),
        }
    }

    /// The outer error means that the first answer cannot be given.
    async fn first_answer<T: Replayable>(
        &self,
        row: &IdempotencyRow,
    ) -> Result<Result<T, WebsiteError>, WebsiteError> {
        if let Some(answer) = &row.answer {
            let opened = self
                .base
                .keyring
                .open(Purpose::IdempotentAnswer, &row.key_hash, answer);
            let stored = opened
                .ok()
                .and_then(|plain| serde_json::from_slice(&plain).ok())
                .ok_or_else(|| corrupt(row))?;
            return Ok(T::from_stored(stored, &self.base.keyring));
        }

        let id = row
            .transaction_id
            .as_deref()
            .and_then(|id| id.try_into().ok())
            .map(TransactionId::from_bytes)
            .ok_or_else(|| corrupt(row))?;

        let transaction = persist::find(&self.base.store, id)
            .await?
            .ok_or(WebsiteError::NoSuchTransaction)?;
        Ok(T::reconstruct(&transaction, &self.base.keyring))
    }

    /// A failure is only logged: the answer can be reconstructed.
    async fn store_answer(&self, key: &Key, stored: &StoredAnswer) {
        let plain = serde_json::to_vec(stored).unwrap_or_default();
        let sealed = self.base.keyring.seal(
            Purpose::IdempotentAnswer,
            &key.key_hash,
            &plain,
            &*self.base.random,
        );

        // Only finds the row, which has its transaction already.
        let row = key.row(TransactionId::from_bytes([0; 16]));

        if let Err(error) = persist::save_answer(&self.base.store, row, sealed).await {
            tracing::warn!(%error, "the answer to an idempotent request could not be stored");
        }
    }
}
