//! `Idempotency-Key`: the same request with the same key is carried out once, and answered alike
//! however often it comes.
//!
//! The key's row is written in the commit that makes the request true, so that no crash can
//! separate them. The answer is kept sealed beside it. Where a crash came between, the answer is
//! made up from what is in the database.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::types::{IdempotencyKey, Started, StartedDevice, Status, WebsiteError};
use super::{Shared, persist};
use crate::clock::Timestamp;
use crate::ids::{ClientId, TransactionId};
use crate::otp;
use crate::secret::{Purpose, SecretString, constant_time_eq};
use crate::settings::{AuthenticationMethod, Platform};
use crate::store::rows::{IdempotencyRow, TransactionRow};

/// How long a key is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long a request without an answer counts as running: longer than any start takes.
const RUNNING_MAX: Duration = Duration::from_secs(30);

/// What a website hears, and whether it heard it before.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    pub result: Result<T, WebsiteError>,
    /// Whether it was given again: nothing was done this time.
    pub replayed: bool,
}

impl<T> Answer<T> {
    pub(super) const fn fresh(result: Result<T, WebsiteError>) -> Self {
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

/// A key as it is stored: hashes, of which neither the key nor the request can be told.
#[derive(Clone)]
pub(super) struct Key {
    client: ClientId,
    created_at: Timestamp,
    key_hash: [u8; 32],
    request_hash: [u8; 32],
}

impl Key {
    pub(super) fn new(shared: &Shared, key: Option<IdempotencyKey>) -> Option<Self> {
        let key = key?;
        Some(Self {
            key_hash: shared
                .base
                .keyring
                .hash(Purpose::IdempotencyKey, key.key.as_bytes()),
            request_hash: shared
                .base
                .keyring
                .hash(Purpose::IdempotencyKey, &key.request),
            client: key.client_id,
            created_at: shared.base.clock.now(),
        })
    }

    pub(super) fn row(&self, transaction: TransactionId) -> IdempotencyRow {
        IdempotencyRow {
            client_id: self.client.to_string(),
            key_hash: self.key_hash.to_vec(),
            request_hash: self.request_hash.to_vec(),
            transaction_id: Some(transaction.as_bytes().to_vec()),
            answer: None,
            created_at: self.created_at.as_millis(),
            expires_at: self.created_at.after(KEPT).as_millis(),
        }
    }
}

/// An answer that can be kept and given again.
pub(super) trait Keepable: Sized + Clone {
    /// For keeping.
    fn keep(result: &Result<Self, WebsiteError>) -> Option<Kept>;
    /// As it was kept.
    fn given(shared: &Shared, kept: Kept) -> Result<Self, WebsiteError>;
    /// Where only the transaction is there: what the answer must have been.
    fn made_up(shared: &Shared, row: &TransactionRow) -> Result<Self, WebsiteError>;
}

/// A kept answer.
#[derive(Serialize, Deserialize)]
pub(super) enum Kept {
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

impl Keepable for Started {
    fn keep(result: &Result<Self, WebsiteError>) -> Option<Kept> {
        match result {
            Ok(started) => Some(Kept::Started {
                id: started.transaction_id,
                method: started.method,
                time_to_live: started.time_to_live_millis,
                expires_at: started.expires_at.as_millis(),
                device: started
                    .device
                    .as_ref()
                    .map(|device| (device.name.clone(), device.platform)),
            }),
            Err(error) => keep_error(error),
        }
    }

    fn given(shared: &Shared, kept: Kept) -> Result<Self, WebsiteError> {
        match kept {
            Kept::Started {
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
                otp: otp_of(shared, id, method),
                device: device.map(|(name, platform)| StartedDevice { name, platform }),
            }),
            Kept::PushNotSent => Err(WebsiteError::PushNotSent),
            Kept::SmsNotSent => Err(WebsiteError::SmsNotSent),
            Kept::Resent => Err(WebsiteError::Unavailable),
        }
    }

    fn made_up(shared: &Shared, row: &TransactionRow) -> Result<Self, WebsiteError> {
        let result = persist::result_of(row).map_err(|_| WebsiteError::Unavailable)?;
        let never_sent =
            result.status == Status::Failed && result.reason == Some(super::Reason::FailedToSend);
        match result.method {
            AuthenticationMethod::Push if never_sent => Err(WebsiteError::PushNotSent),
            AuthenticationMethod::Sms if never_sent => Err(WebsiteError::SmsNotSent),
            method => Ok(Self {
                transaction_id: result.transaction_id,
                method,
                time_to_live_millis: u64::try_from(
                    result.expires_at.since(result.created_at).as_millis(),
                )
                .unwrap_or(0),
                expires_at: result.expires_at,
                otp: otp_of(shared, result.transaction_id, method),
                device: None,
            }),
        }
    }
}

impl Keepable for () {
    fn keep(result: &Result<Self, WebsiteError>) -> Option<Kept> {
        match result {
            Ok(()) => Some(Kept::Resent),
            Err(error) => keep_error(error),
        }
    }

    fn given(_: &Shared, kept: Kept) -> Result<Self, WebsiteError> {
        match kept {
            Kept::Resent | Kept::Started { .. } => Ok(()),
            Kept::PushNotSent => Err(WebsiteError::PushNotSent),
            Kept::SmsNotSent => Err(WebsiteError::SmsNotSent),
        }
    }

    fn made_up(_: &Shared, _: &TransactionRow) -> Result<Self, WebsiteError> {
        Ok(())
    }
}

/// Derived, so that it need not be kept.
pub(super) fn otp_of(
    shared: &Shared,
    id: TransactionId,
    method: AuthenticationMethod,
) -> Option<SecretString> {
    (method == AuthenticationMethod::Otp).then(|| otp::one_time_password(&shared.base.keyring, id))
}

/// Only errors after something has happened are kept; a request that changed nothing may be made
/// again.
const fn keep_error(error: &WebsiteError) -> Option<Kept> {
    match error {
        WebsiteError::PushNotSent => Some(Kept::PushNotSent),
        WebsiteError::SmsNotSent => Some(Kept::SmsNotSent),
        _ => None,
    }
}

impl Shared {
    /// Carries `operation` out unless it was before, under the same key. It gets the key to write
    /// along with what it does.
    pub(super) async fn once<T, F, O>(self: &Arc<Self>, key: Option<Key>, operation: O) -> Answer<T>
    where
        T: Keepable,
        F: Future<Output = Result<T, WebsiteError>>,
        O: FnOnce(Option<Key>) -> F,
    {
        let Some(key) = key else {
            return Answer::fresh(operation(None).await);
        };
        match self.recall(&key).await {
            Ok(None) => {}
            Ok(Some(row)) => return self.replay(&row).await,
            Err(error) => return Answer::fresh(Err(error)),
        }
        let result = operation(Some(key.clone())).await;
        if let Some(kept) = T::keep(&result) {
            self.keep(key, &kept).await;
        }
        Answer::fresh(result)
    }

    async fn recall(&self, key: &Key) -> Result<Option<IdempotencyRow>, WebsiteError> {
        let now = self.base.clock.now();
        let found =
            persist::find_idempotency_key(&self.base.store, &key.client, key.key_hash).await?;
        let Some(row) = found.filter(|row| row.expires_at > now.as_millis()) else {
            return Ok(None);
        };
        if !constant_time_eq(&row.request_hash, &key.request_hash) {
            return Err(WebsiteError::IdempotencyKeyReused);
        }
        let running = row.answer.is_none()
            && now.before(RUNNING_MAX) < Timestamp::from_millis(row.created_at);
        if running {
            Err(WebsiteError::IdempotencyKeyInUse)
        } else {
            Ok(Some(row))
        }
    }

    async fn replay<T: Keepable>(&self, row: &IdempotencyRow) -> Answer<T> {
        match self.first_answer(row).await {
            Ok(result) => Answer::replayed(result),
            Err(error) => Answer::fresh(Err(error)),
        }
    }

    async fn first_answer<T: Keepable>(
        &self,
        row: &IdempotencyRow,
    ) -> Result<Result<T, WebsiteError>, WebsiteError> {
        if let Some(answer) = &row.answer {
            let plain = self
                .base
                .keyring
                .open(Purpose::IdempotentAnswer, &row.key_hash, answer);
            let kept = plain
                .ok()
                .and_then(|plain| serde_json::from_slice(&plain).ok());
            return kept
                .map(|kept| T::given(self, kept))
                .ok_or(WebsiteError::Unavailable);
        }
        let id = row
            .transaction_id
            .as_deref()
            .and_then(|id| id.try_into().ok())
            .map(TransactionId::from_bytes);
        let id = id.ok_or(WebsiteError::Unavailable)?;
        let transaction = persist::find(&self.base.store, id)
            .await?
            .ok_or(WebsiteError::NoSuchTransaction)?;
        Ok(T::made_up(self, &transaction))
    }

    /// Not keeping it costs nothing but a little: it can be made up again.
    async fn keep(&self, key: Key, kept: &Kept) {
        let plain = serde_json::to_vec(kept).unwrap_or_default();
        let sealed = self.base.keyring.seal(
            Purpose::IdempotentAnswer,
            &key.key_hash,
            &plain,
            &*self.base.random,
        );
        // Any transaction will do: the row is only found again, not written.
        let row = key.row(TransactionId::from_bytes([0; 16]));
        if let Err(error) = persist::save_answer(&self.base.store, row, sealed).await {
            tracing::warn!(%error, "the answer to an idempotent request could not be kept");
        }
    }
}
