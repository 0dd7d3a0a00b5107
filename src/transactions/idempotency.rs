//! `Idempotency-Key`: the same request with the same key is carried out once, and gets the same
//! answer however often it comes.
//!
//! The key's row is written in the commit that carries the request out, sealed answer included, so
//! that no crash can separate them. Whether the message was refused meanwhile, the transaction says.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::delivery::PATIENCE;
use super::error::WebsiteError;
use super::methods::{self, MessageKind};
use super::persist::{self, Record};
use super::services::Services;
use super::state::{Ending, State};
use super::types::{IdempotencyKey, Started, StartedDevice};
use crate::clock::Timestamp;
use crate::ids::{ClientId, TransactionId};
use crate::secret::{Keyring, Purpose, SecretString, constant_time_eq};
use crate::settings::{AuthenticationMethod, Platform};
use crate::store::rows::{IdempotencyRow, TransactionRow};
use crate::store::{CorruptRow, StoreError};

/// How long a key is stored.
const RETENTION: Duration = Duration::from_secs(24 * 3600);
/// How long a request whose message is owed counts as running: its own answer waits that long.
const RUNNING_MAX: Duration = PATIENCE.saturating_add(Duration::from_secs(1));

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
        // Keyed, because requests contain phone numbers, which a plain hash does not hide.
        let hash = |bytes| services.base.keyring.hash(Purpose::IdempotencyKey, bytes);
        Self {
            key_hash: hash(key.key.as_bytes()),
            request_hash: hash(&key.request),
            client: key.client_id,
            created_at: services.base.clock.now(),
        }
    }

    /// The row of a request that is about this transaction and is answered like this.
    pub(super) fn row(
        &self,
        services: &Services,
        transaction: TransactionId,
        answer: &StoredAnswer,
    ) -> IdempotencyRow {
        IdempotencyRow {
            client_id: self.client.to_string(),
            key_hash: self.key_hash.to_vec(),
            request_hash: self.request_hash.to_vec(),
            transaction_id: Some(transaction.as_bytes().to_vec()),
            answer: Some(self.seal(services, answer)),
            created_at: self.created_at.as_millis(),
            expires_at: self.created_at.after(RETENTION).as_millis(),
        }
    }

    /// Replaces the stored answer, where the message turned out to be refused. If that fails, it is
    /// only logged: the request itself was carried out.
    pub(super) async fn replace_answer(&self, services: &Services, answer: &StoredAnswer) {
        let (client, created_at) = (&self.client, self.created_at);
        let sealed = self.seal(services, answer);
        let store = &services.base.store;

        let replaced =
            persist::replace_answer(store, client, self.key_hash, created_at, sealed).await;
        if let Err(error) = replaced {
            tracing::warn!(%error, "the answer to an idempotent request could not be stored");
        }
    }

    fn seal(&self, services: &Services, answer: &StoredAnswer) -> Vec<u8> {
        let plain = serde_json::to_vec(answer).unwrap_or_default();
        let base = &services.base;

        base.keyring.seal(
            Purpose::IdempotentAnswer,
            &self.key_hash,
            &plain,
            &*base.random,
        )
    }
}

/// An answer that can be stored and given again.
pub(super) trait Replayable: Sized + Send + 'static {
    fn to_stored(&self) -> StoredAnswer;

    fn from_stored(stored: StoredAnswer, keyring: &Keyring) -> Result<Self, WebsiteError>;

    /// What became of the message after the answer was stored, if it failed.
    fn failure(row: &TransactionRow) -> Result<Option<WebsiteError>, StoreError>;
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
    /// The message of this kind was refused.
    pub(super) const fn not_sent(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Push => Self::PushNotSent,
            MessageKind::Sms => Self::SmsNotSent,
        }
    }
}

impl Replayable for Started {
    fn to_stored(&self) -> StoredAnswer {
        let device = self.device.as_ref();

        StoredAnswer::Started {
            id: self.transaction_id,
            method: self.method,
            time_to_live: self.time_to_live_millis,
            expires_at: self.expires_at.as_millis(),
            device: device.map(|device| (device.name.clone(), device.platform)),
        }
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

    fn failure(row: &TransactionRow) -> Result<Option<WebsiteError>, StoreError> {
        let record = Record::from_row(row)?;
        let sends = record.method.sends;

        Ok(sends
            .filter(|_| record.state == State::Final(Ending::FailedToSend))
            .map(|sends| sends.kind.not_sent()))
    }
}

impl Replayable for () {
    fn to_stored(&self) -> StoredAnswer {
        StoredAnswer::Resent
    }

    fn from_stored(stored: StoredAnswer, _: &Keyring) -> Result<Self, WebsiteError> {
        match stored {
            StoredAnswer::Resent | StoredAnswer::Started { .. } => Ok(()),
            StoredAnswer::PushNotSent => Err(WebsiteError::PushNotSent),
            StoredAnswer::SmsNotSent => Err(WebsiteError::SmsNotSent),
        }
    }

    /// The stored answer says it: the transaction does not fail with a resend.
    fn failure(_: &TransactionRow) -> Result<Option<WebsiteError>, StoreError> {
        Ok(None)
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
        .unwrap_or(Answer::fresh(Err(WebsiteError::Undecided)))
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
            Ok(None) => Answer::fresh(operation(Some(key)).await),
            Ok(Some(row)) => match self.first_answer(&row).await {
                Ok(result) => Answer::replayed(result),
                Err(error) => Answer::fresh(Err(error)),
            },
            Err(error) => Answer::fresh(Err(error)),
        }
    }

    /// The row of the first request with this key, if it was made before.
    async fn find_first(&self, key: &Key) -> Result<Option<IdempotencyRow>, WebsiteError> {
        let now = self.base.clock.now();
        let found = self
            .reads
            .idempotency_key(&key.client, key.key_hash)
            .await?;
        let Some(row) = found.filter(|row| row.expires_at > now.as_millis()) else {
            return Ok(None);
        };

        // The key was meant for another request. To give its answer would hide a fault of the
        // website.
        if !constant_time_eq(&row.request_hash, &key.request_hash) {
            return Err(WebsiteError::IdempotencyKeyReused);
        }

        Ok(Some(row))
    }

    /// The outer error means that the first answer cannot be given.
    async fn first_answer<T: Replayable>(
        &self,
        row: &IdempotencyRow,
    ) -> Result<Result<T, WebsiteError>, WebsiteError> {
        // A server of an older version writes the answer later.
        let answer = row.answer.as_ref();
        let answer = answer.ok_or(WebsiteError::IdempotencyKeyInUse)?;

        let opened = self
            .base
            .keyring
            .open(Purpose::IdempotentAnswer, &row.key_hash, answer);
        let stored = opened
            .ok()
            .and_then(|plain| serde_json::from_slice(&plain).ok())
            .ok_or_else(|| corrupt(row))?;

        let id = row
            .transaction_id
            .as_deref()
            .and_then(|id| id.try_into().ok())
            .map(TransactionId::from_bytes)
            .ok_or_else(|| corrupt(row))?;

        // Before the row is read: what has been recorded there meanwhile is not among these any more.
        let is_settled = self.deliveries.is_settled(id);

        if let Some(transaction) = persist::find(&self.base.store, id).await? {
            if !is_settled && self.is_running(row, &transaction) {
                return Err(WebsiteError::IdempotencyKeyInUse);
            }

            if let Some(failure) = T::failure(&transaction)? {
                return Ok(Err(failure));
            }
        }

        Ok(T::from_stored(stored, &self.base.keyring))
    }

    /// Whether the first request may still be waiting for the provider's answer, on whatever server.
    fn is_running(&self, row: &IdempotencyRow, transaction: &TransactionRow) -> bool {
        let created_at = Timestamp::from_millis(row.created_at);
        let is_recent = self.base.clock.now().before(RUNNING_MAX) < created_at;
        let is_owed = transaction.status == 0 && transaction.delivery_due;

        // A message may be owed for minutes, but the first request does not wait for so long.
        is_recent && is_owed
    }
}
