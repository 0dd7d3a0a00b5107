//! What waits for an answer: listed, fetched, opened, answered.

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::Phone;
use super::answer::{AnswerClaims, Decision, content_digest};
use super::error::PhoneError;
use crate::ids::{ProfileId, TransactionId};
use crate::jose::{PrivateJwk, jwe};

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PendingTransaction {
    pub transaction_id: TransactionId,
    /// Which of the phone's users is asked.
    pub profile_id: ProfileId,
    /// `push` or `otp`.
    pub method: String,
    pub message: String,
    /// When it was started, RFC 3339.
    pub created_at: String,
    pub time_to_live_seconds: u64,
}

/// A transaction with all the user is to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedTransaction {
    /// As in the list.
    pub pending: PendingTransaction,
    /// The text that was sealed.
    pub secure_message: Option<String>,
    /// The data that was sealed.
    pub signing_data: Option<String>,
    /// The digest of all that, which the answer covers.
    pub content_digest: String,
}

/// A fetched transaction on the wire.
#[derive(Deserialize)]
struct Wire {
    #[serde(flatten)]
    pending: PendingTransaction,
    content_digest: String,
    sealed: String,
}

#[derive(Deserialize)]
struct Sealed {
    secure_message: Option<String>,
    signing_data: Option<String>,
}

impl Phone {
    /// What waits for an answer on this phone. With nothing there, the server answers after `wait`,
    /// to the second.
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

    /// All of a transaction: opened with the user's enrolled key and checked against the digest
    /// that is to be signed.
    pub async fn fetch(&self, id: TransactionId) -> Result<FetchedTransaction, PhoneError> {
        let request = self
            .device_request(Method::GET, &format!("/device/v1/transactions/{id}"))
            .await?;
        self.open(self.0.connection.json(request).await?)
    }

    /// Makes the transaction behind a scanned one-time password this user's.
    pub async fn scan_otp(
        &self,
        otp: &str,
        profile: ProfileId,
    ) -> Result<FetchedTransaction, PhoneError> {
        let request = self.device_request(Method::POST, "/device/v1/otp").await?;
        let request = request.json(&json!({"otp": otp, "profile_id": profile}));
        self.open(self.0.connection.json(request).await?)
    }

    /// Yes. Gives the transaction's status after that.
    pub async fn accept(&self, transaction: &FetchedTransaction) -> Result<String, PhoneError> {
        self.decide(transaction, Decision::Accept).await
    }

    pub async fn deny(&self, transaction: &FetchedTransaction) -> Result<String, PhoneError> {
        self.decide(transaction, Decision::Deny).await
    }

    /// No, and it was not me.
    pub async fn report(&self, transaction: &FetchedTransaction) -> Result<String, PhoneError> {
        self.decide(transaction, Decision::Report).await
    }

    /// Sends an answer as it is, right or wrong.
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
            .await?;
        let request = request.json(&json!({"authenticator": authenticator, "answer": jws}));
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

    fn open(&self, wire: Wire) -> Result<FetchedTransaction, PhoneError> {
        let key = self
            .enrolled_key(wire.pending.profile_id)
            .ok_or(PhoneError::NotEnrolled)?;
        let plain = jwe::decrypt(&key, &wire.sealed).map_err(|_| PhoneError::NotOpened)?;
        let Sealed {
            secure_message,
            signing_data,
        } = serde_json::from_slice(&plain).map_err(|_| PhoneError::NotOpened)?;

        let content_digest = content_digest(
            &wire.pending.message,
            secure_message.as_deref(),
            signing_data.as_deref(),
        );
        if content_digest != wire.content_digest {
            return Err(PhoneError::DigestMismatch);
        }

        Ok(FetchedTransaction {
            pending: wire.pending,
            secure_message,
            signing_data,
            content_digest,
        })
    }

    fn enrolled_key(&self, profile: ProfileId) -> Option<PrivateJwk> {
        let saved = self.0.saved.lock();
        let enrolments = saved
            .users
            .values()
            .filter_map(|user| user.enrolment.as_ref());
        enrolments
            .filter(|enrolment| enrolment.profile_id == profile)
            .map(|enrolment| enrolment.key.clone())
            .next()
    }
}
