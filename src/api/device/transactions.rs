//! The transactions of a device: listing, reading and answering them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{DeviceToken, Fields, FromFields, Json, Path, Query, Wait};
use crate::api::waiting;
use crate::ids::{ProfileId, TransactionId};
use crate::secret::SecretString;
use crate::transactions::{
    DeviceRequestError, FetchedTransaction, PendingTransaction, method_name,
};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Lists the pending transactions of the device.
    ///
    /// With `wait`, the response comes as soon as there is one, at the latest when the time is up.
    GET "/device/v1/transactions" => list_transactions;

    /// Reads a pending transaction, with its content encrypted to the enrolled key.
    GET "/device/v1/transactions/{transaction_id}" => read_transaction,
        404 "The device has no such transaction.",
        409 "The transaction has ended already (`already_final`, with `transaction_status`).",
        410 "The transaction has expired.";

    /// Answers a transaction: accepts, denies or reports it.
    ///
    /// An answer with a wrong signature counts as an attempt.
    POST "/device/v1/transactions/{transaction_id}/answer" => answer_transaction,
        401 "The access token is not valid (`invalid_token`), or the answer is not signed for this \
             transaction (`invalid_answer`, with `attempts_left` if they are limited), or its `iat` \
             differs by more than 300 s (`clock_skew`, with `server_time`: does not count).",
        403 "The authenticator is not enrolled, or may not answer this transaction \
             (`wrong_authenticator`).",
        404 "The device has no such transaction.",
        409 "The transaction has ended already (`already_final`, with `transaction_status`).",
        410 "The transaction has expired.",
        422 "The digest is not the one of this transaction's content (`stale_digest`). Read the \
             transaction again.";

    /// Claims the transaction of a scanned one-time password for a user of the device.
    ///
    /// The response is the transaction, to be answered like any other.
    POST "/device/v1/otp" => claim_one_time_password,
        404 "The one-time password or the profile is unknown, or somebody else has claimed the \
             transaction.",
        409 "The transaction has ended already (`already_final`, with `transaction_status`).",
        410 "The transaction has expired.";
};

/// `custom:` and the longest id in the settings are shorter.
const AUTHENTICATOR_BYTES_MAX: usize = 300;
const ANSWER_BYTES_MAX: usize = 8192;
/// A one-time password is shorter.
const OTP_BYTES_MAX: usize = 512;

/// A pending transaction.
#[derive(Serialize, ToSchema)]
#[schema(as = PendingTransaction)]
struct PendingBody {
    /// A UUID.
    transaction_id: String,
    /// The profile id of the user who is asked.
    profile_id: String,
    /// `push` or `otp`.
    method: &'static str,
    /// The text to show, which a push also contains.
    message: String,
    /// When the transaction was started, in RFC 3339.
    created_at: String,
    /// How long the user still has to answer, in seconds.
    time_to_live_seconds: u64,
}

/// The pending transactions of a device.
#[derive(Serialize, ToSchema)]
struct PendingTransactions {
    transactions: Vec<PendingBody>,
}

/// A pending transaction with its content.
#[derive(Serialize, ToSchema)]
#[schema(as = Transaction)]
struct FetchedBody {
    #[serde(flatten)]
    pending: PendingBody,
    /// The SHA-256, in base64url, of what the app shows: `message`, a NUL, `secure_message`, a NUL,
    /// `signing_data`. What is absent counts as empty.
    content_digest: String,
    /// A compact JWE (`ECDH-ES`, `A256GCM`) to the enrolled key of the JSON object
    /// `{"secure_message"?, "signing_data"?}`.
    sealed: String,
}

impl From<PendingTransaction> for PendingBody {
    fn from(pending: PendingTransaction) -> Self {
        Self {
            transaction_id: pending.transaction_id.to_string(),
            profile_id: pending.profile_id.into(),
            method: method_name(pending.method),
            message: pending.message,
            created_at: pending.created_at.to_rfc3339(),
            time_to_live_seconds: pending.time_to_live_seconds,
        }
    }
}

impl From<FetchedTransaction> for FetchedBody {
    fn from(fetched: FetchedTransaction) -> Self {
        Self {
            pending: fetched.pending.into(),
            content_digest: fetched.content_digest,
            sealed: fetched.sealed,
        }
    }
}

/// A signed answer.
#[derive(ToSchema)]
struct AnswerBody {
    /// The authenticator whose key signed: `device`, `pin`, `fingerprint` or `custom:ID`.
    authenticator: String,
    /// A compact JWS (`ES256`) over `{"transaction_id", "decision", "content_digest", "iat"}`.
    /// `decision` is `accept`, `deny` or `report`, `iat` the time in seconds since the epoch.
    answer: String,
}

impl FromFields for AnswerBody {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            authenticator: fields.required_text("authenticator", AUTHENTICATOR_BYTES_MAX)?,
            answer: fields.required_text("answer", ANSWER_BYTES_MAX)?,
        })
    }
}

/// The state of a transaction after an answer.
#[derive(Serialize, ToSchema)]
struct AnsweredTransaction {
    /// `accepted` or `denied`.
    status: &'static str,
}

/// A one-time password that the app scanned.
#[derive(ToSchema)]
struct OtpBody {
    /// The `otp` that the website showed.
    #[schema(value_type = String)]
    otp: SecretString,
    /// The profile id of the user who scanned it.
    #[schema(value_type = String)]
    profile_id: ProfileId,
}

impl FromFields for OtpBody {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            otp: fields.required_secret("otp", OTP_BYTES_MAX)?,
            profile_id: fields.required("profile_id")?,
        })
    }
}

async fn list_transactions(
    api: SharedApi,
    DeviceToken { device_id }: DeviceToken,
    Query(Wait { wait }): Query<Wait>,
) -> Result<Json<PendingTransactions>, ApiError> {
    let ask = |wait| api.app.transactions.pending(&device_id, wait);
    let pending = waiting::ask(&api, wait, DeviceRequestError::Unavailable, ask).await?;
    let transactions = pending.into_iter().map(PendingBody::from).collect();

    Ok(Json(PendingTransactions { transactions }))
}

async fn read_transaction(
    api: SharedApi,
    DeviceToken { device_id }: DeviceToken,
    Path(transaction): Path<TransactionId>,
) -> Result<Json<FetchedBody>, ApiError> {
    let fetched = api.app.transactions.fetch(&device_id, transaction).await?;

    Ok(Json(fetched.into()))
}

async fn answer_transaction(
    api: SharedApi,
    DeviceToken { device_id }: DeviceToken,
    Path(transaction): Path<TransactionId>,
    Json(body): Json<AnswerBody>,
) -> Result<Json<AnsweredTransaction>, ApiError> {
    let transactions = &api.app.transactions;
    let status = transactions
        .answer(&device_id, transaction, &body.authenticator, &body.answer)
        .await?;

    Ok(Json(AnsweredTransaction {
        status: status.as_str(),
    }))
}

async fn claim_one_time_password(
    api: SharedApi,
    DeviceToken { device_id }: DeviceToken,
    Json(OtpBody { otp, profile_id }): Json<OtpBody>,
) -> Result<Json<FetchedBody>, ApiError> {
    let transactions = &api.app.transactions;
    let fetched = transactions
        .claim_otp(&device_id, &profile_id, otp.expose())
        .await?;

    Ok(Json(fetched.into()))
}
