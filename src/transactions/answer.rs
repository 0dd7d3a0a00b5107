//! A device's signed answer.

use std::time::Duration;

use serde::Deserialize;

use super::device::Asked;
use super::error::DeviceRequestError;
use super::facade::Transactions;
use super::messages::{Action, Caller};
use super::persist;
use super::types::{Decision, Status};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, TransactionId, UserId};
use crate::jose::{JoseError, NumericDate, PublicJwk, jws};
use crate::store::rows::AskedRow;
use crate::store::{CorruptRow, StoreError};

/// How far the device's clock may differ from the server's, either way.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(300);

/// The authenticator that has no key of its own but uses the device's.
const DEVICE: &str = "device";

/// What the device signs.
#[derive(Deserialize)]
struct SignedAnswer {
    transaction_id: TransactionId,
    decision: SignedDecision,
    content_digest: String,
    iat: NumericDate,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SignedDecision {
    Accept,
    Deny,
    Report,
}

impl From<SignedDecision> for Decision {
    fn from(signed: SignedDecision) -> Self {
        match signed {
            SignedDecision::Accept => Self::Accept,
            SignedDecision::Deny => Self::Deny,
            SignedDecision::Report => Self::Report,
        }
    }
}

/// Why an answer does not count as one. The texts are for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum WrongAnswer {
    /// The key has not signed it: a wrong PIN, if the key comes from one.
    #[error("the answer {0}")]
    Signature(JoseError),
    #[error("the answer must have `transaction_id`, `decision`, `content_digest` and `iat`")]
    Members,
    #[error("`transaction_id` is that of another transaction: {seen}")]
    Transaction { seen: TransactionId },
    /// All is right but for the device's clock.
    #[error("`iat` is {seen} and the time here is {now}")]
    Time {
        /// Seconds since the epoch, as `now`.
        seen: i64,
        now: i64,
    },
}

impl Transactions {
    /// Takes a device's answer, signed by this authenticator's key.
    pub async fn answer(
        &self,
        device: &DeviceId,
        id: TransactionId,
        authenticator: &str,
        jws: &str,
    ) -> Result<Status, DeviceRequestError> {
        let Asked { row, record } = self.services.find_asked(device, id).await?;
        let user = record.user.as_ref().ok_or(DeviceRequestError::NotFound)?;

        if !record.method.may_answer(authenticator) {
            return Err(DeviceRequestError::WrongAuthenticator);
        }

        let key = self
            .answering_key(&row, device, user, authenticator)
            .await?;
        let content = persist::open_content(&row.transaction, &self.services.base.keyring)?;
        let caller = Caller::Device(device.clone());
        let now = self.services.base.clock.now();
        let answer = match read_answer(&key, jws, id, now) {
            Ok(answer) => answer,
            Err(wrong) => {
                // The device is not told: the reason would help whoever forges one.
                tracing::info!(transaction_id = %id, %device, authenticator, %wrong, "an answer was refused");

                // The key was the right one: the device can set its clock and try again.
                if matches!(wrong, WrongAnswer::Time { .. }) {
                    return Err(DeviceRequestError::ClockSkew {
                        server_time: now.as_secs(),
                    });
                }

                // Counts as a wrong answer, which the command says.
                self.command(id, caller, Action::WrongAnswer).await?;
                return Err(DeviceRequestError::Unavailable);
            }
        };

        // Checked after the signature: it is the device that has shown something else, so no
        // attempt is counted.
        if answer.content_digest != content.digest() {
            return Err(DeviceRequestError::StaleDigest);
        }

        let decision = Decision::from(answer.decision);
        let jws = jws.to_owned();
        self.command(id, caller, Action::Answer { decision, jws })
            .await?;

        Ok(match decision {
            Decision::Accept => Status::Accepted,
            Decision::Deny | Decision::Report => Status::Denied,
        })
    }

    /// The key that must have signed. [`DEVICE`] is the device's own.
    async fn answering_key(
        &self,
        row: &AskedRow,
        device: &DeviceId,
        user: &UserId,
        authenticator: &str,
    ) -> Result<PublicJwk, DeviceRequestError> {
        if authenticator != DEVICE {
            let devices = &self.services.devices;
            let key = devices.answering_key(device, user, authenticator).await?;
            return key.ok_or(DeviceRequestError::WrongAuthenticator);
        }

        let (Some(key), Some(_)) = (&row.device_key, &row.enrolment_key) else {
            return Err(DeviceRequestError::WrongAuthenticator);
        };

        PublicJwk::from_json(key)
            .map_err(|_| StoreError::from(CorruptRow::new("devices", device.as_str())).into())
    }
}

/// The answer that this key has signed, if it is about this transaction and of this time.
fn read_answer(
    key: &PublicJwk,
    jws: &str,
    id: TransactionId,
    now: Timestamp,
) -> Result<SignedAnswer, WrongAnswer> {
    let payload = jws::verify(key, jws, None).map_err(WrongAnswer::Signature)?;
    let answer: SignedAnswer =
        serde_json::from_slice(&payload).map_err(|_| WrongAnswer::Members)?;
    if answer.transaction_id != id {
        return Err(WrongAnswer::Transaction {
            seen: answer.transaction_id,
        });
    }

    // An answer that was caught is of no use later, nor is one that was made in advance.
    let signed_at = answer.iat.timestamp();
    if signed_at > now.after(CLOCK_SKEW_MAX) || signed_at < now.before(CLOCK_SKEW_MAX) {
        return Err(WrongAnswer::Time {
            seen: signed_at.as_secs(),
            now: now.as_secs(),
        });
    }

    Ok(answer)
}
