//! Listing, fetching and answering transactions.

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::answer::{AnswerClaims, Decision, content_digest};
use super::device::Phone;
use super::error::PhoneError;
use crate::ids::{ProfileId, TransactionId};
use crate::jose::{PrivateJwk, jwe};

/// A transaction that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PendingTransaction {
    pub transaction_id: TransactionId,
    /// The user who has to answer.
    pub profile_id: ProfileId,
    /// `push` or `otp`.
    pub method: String,
    pub message: String,
    /// In the format of RFC 3339.
    pub created_at: String,
    pub time_to_live_seconds: u64,
}

/// A transaction with everything that the user has to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedTransaction {
    pub pending: PendingTransaction,
    pub secure_message: Option<String>,
    pub signing_data: Option<String>,
    /// The digest of the content, which the answer signs.
    pub content_digest: String,
}

/// A transaction with encrypted content, as the server sends it.
#[derive(Deserialize)]
struct SealedTransaction {
    #[serde(flatten)]
    pending: PendingTransaction,
    content_digest: String,
    sealed: String,
}

#[derive(Deserialize)]
struct Content {
    secure_message: Option<String>,
    signing_data: Option<String>,
}

impl Phone {
    /// The transactions that wait for an answer on this phone. If there are none, the server waits
    /// for one for up to `wait`, in whole seconds.
    pub async fn pending(&self, wait: Duration) -> Result<Vec<PendingTransaction>, PhoneError> {
        #[derive(Deserialize)]
        struct Listed {
            transactions: Vec<PendingTransaction>,
        }

        let token = self.device_token().await?;
        let path = format!("/device/v1/transactions?wait={}", wait.as_secs());
        let request = self
            .0
            .connection
            .request_waiting(Method::GET, &path, wait)?
            .bearer_auth(token.expose());

        let listed: Listed = self.0.connection.json(request).await?;
        Ok(listed.transactions)
    }

    /// Fetches a transaction, decrypts its content with the user's enrolled key and checks it
    /// against the digest that the answer will sign.
    pub async fn fetch(&self, id: TransactionId) -> Result<FetchedTransaction, PhoneError> {
        let request = self
            .device_request(Method::GET, &format!("/device/v1/transactions/{id}"))
            .await?;
        self.open(self.0.connection.json(request).await?)
    }

    /// Sends a scanned one-time password, which makes this user the transaction's user.
    pub async fn scan_otp(
        &self,
        otp: &str,
        profile: ProfileId,
    ) -> Result<FetchedTransaction, PhoneError> {
        let request = self
            .device_request(Method::POST, "/device/v1/otp")
            .await?
            .json(&json!({"otp": otp, "profile_id": profile}));
        self.open(self.0.connection.json(request).await?)
    }

    /// Accepts a transaction. Returns its status afterwards, as do the following.
    pub async fn accept(&self, transaction: &FetchedTransaction) -> Result<String, PhoneError> {
        self.decide(transaction, Decision::Accept).await
    }

    pub async fn deny(&self, transaction: &FetchedTransaction) -> Result<String, PhoneError> {
        self.decide(transaction, Decision::Deny).await
    }

    /// Denies a transaction and reports that the user did not start it.
    pub async fn report(&self, transaction: &FetchedTransaction) -> Result<String, PhoneError> {
        self.decide(transaction, Decision::Report).await
    }

    /// Sends a signed answer as it is, valid or not.
    pub async fn send_answer(
        &self,
        id: TransactionId,
        authenticator: &str,
        jws: &str,
    ) -> Result<String, PhoneError> {
        #[derive(Deserialize)]
        struct Answered {
            status: String,
        }

        let request = self
            .device_request(
                Method::POST,
                &format!("/device/v1/transactions/{id}/answer"),
            )
            .await?
            .json(&json!({"authenticator": authenticator, "answer": jws}));

        let answered: Answered = self.0.connection.json(request).await?;
        Ok(answered.status)
    }

    async fn decide(
        &self,
        transaction: &FetchedTransaction,
        decision: Decision,
    ) -> Result<String, PhoneError> {
        let id = transaction.pending.transaction_id;
        let now = self.0.connection.clock.now();
        let answer = AnswerClaims::new(id, decision, &transaction.content_digest, now);
        self.send_answer(id, "device", &answer.sign(self.key())?)
            .await
    }

    fn open(&self, transaction: SealedTransaction) -> Result<FetchedTransaction, PhoneError> {
        let key = self
            .enrolled_key(transaction.pending.profile_id)
            .ok_or(PhoneError::NotEnrolled)?;
        let plain = jwe::decrypt(&key, &transaction.sealed).map_err(|_| PhoneError::NotOpened)?;
        let Content {
            secure_message,
            signing_data,
        } = serde_json::from_slice(&plain).map_err(|_| PhoneError::NotOpened)?;

        // The phone computes the digest itself. Signing a digest that the server sent would prove
        // nothing about what the user saw.
        let content_digest = content_digest(
            &transaction.pending.message,
            secure_message.as_deref(),
            signing_data.as_deref(),
        );

        if content_digest != transaction.content_digest {
            return Err(PhoneError::DigestMismatch);
        }

        Ok(FetchedTransaction {
            pending: transaction.pending,
            secure_message,
            signing_data,
            content_digest,
        })
    }

    fn enrolled_key(&self, profile: ProfileId) -> Option<PrivateJwk> {
        let saved = self.0.saved.lock();
        saved
            .users
            .values()
            .filter_map(|user| user.enrolment.as_ref())
            .find(|enrolment| enrolment.profile_id == profile)
            .map(|enrolment| enrolment.key.clone())
    }
}
