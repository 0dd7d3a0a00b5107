//! What a phone is asked, and its answers.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::error::{ApiError, Fault, ProblemDocument};
use crate::api::extract::{By, DeviceToken, Fields, FromFields, InPath, Json, Query, Wait};
use crate::api::{Api, waiting};
use crate::ids::{ProfileId, TransactionId};
use crate::secret::SecretString;
use crate::transactions::{
    DeviceRequestError, FetchedTransaction, PendingTransaction, method_name,
};

/// Longer than `custom:` and any configured id.
const AUTHENTICATOR_BYTES_MAX: usize = 300;
/// The longest signed answer that is looked at.
const ANSWER_BYTES_MAX: usize = 8192;
/// Longer than any one-time password.
const OTP_BYTES_MAX: usize = 512;

/// A pending transaction.
#[derive(Serialize, ToSchema)]
pub(crate) struct PendingAnswer {
    /// UUID.
    transaction_id: String,
    /// Whom of the phone's users it is for.
    profile_id: String,
    /// `push`, `otp`.
    method: &'static str,
    message: String,
    /// RFC 3339.
    created_at: String,
    /// What is left.
    time_to_live_seconds: u64,
}

/// The pending transactions of an installation.
#[derive(Serialize, ToSchema)]
pub(crate) struct PendingList {
    transactions: Vec<PendingAnswer>,
}

/// All of a transaction.
#[derive(Serialize, ToSchema)]
pub(crate) struct FetchedAnswer {
    #[serde(flatten)]
    pending: PendingAnswer,
    /// base64url SHA-256 of what is shown: `message`, NUL, `secure_message`, NUL, `signing_data`.
    content_digest: String,
    /// Compact JWE (`ECDH-ES`, `A256GCM`) to the enrolled key: JSON `{secure_message?,
    /// signing_data?}`.
    sealed: String,
}

impl From<PendingTransaction> for PendingAnswer {
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

impl From<FetchedTransaction> for FetchedAnswer {
    fn from(fetched: FetchedTransaction) -> Self {
        let FetchedTransaction {
            pending,
            content_digest,
            sealed,
        } = fetched;
        Self {
            pending: pending.into(),
            content_digest,
            sealed,
        }
    }
}

/// A signed answer.
#[derive(ToSchema)]
pub(crate) struct AnswerBody {
    /// `device`, `pin`, `fingerprint`, `custom:ID`: whose key signed.
    authenticator: String,
    /// Compact JWS (ES256) over `{"transaction_id","decision","content_digest","iat"}`.
    answer: String,
}

impl FromFields for AnswerBody {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            authenticator: fields.required_text("authenticator", AUTHENTICATOR_BYTES_MAX)?,
            answer: fields.required_text("answer", ANSWER_BYTES_MAX)?,
        })
    }
}

/// How the transaction stands after the answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnsweredBody {
    /// `accepted`, `denied`.
    status: &'static str,
}

/// A scanned one-time password.
#[derive(ToSchema)]
pub(crate) struct OtpBody {
    #[schema(value_type = String)]
    otp: SecretString,
    /// Who scanned it.
    #[schema(value_type = String)]
    profile_id: ProfileId,
}

impl FromFields for OtpBody {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let otp = fields.required_text("otp", OTP_BYTES_MAX)?.into();
        Ok(Self {
            otp,
            profile_id: fields.required("profile_id")?,
        })
    }
}

/// The pending transactions; with `wait`, as soon as there is one or the time is up.
#[utoipa::path(
    get,
    path = "/device/v1/transactions",
    tag = "Phones",
    params(("wait" = Option<u64>, Query, description = "Seconds", minimum = 0, maximum = 60)),
    responses((status = 200, body = PendingList), (status = "default", body = ProblemDocument)),
    security(("device_token" = [])),
)]
pub(crate) async fn pending(
    api: web::Data<Api>,
    By(token, wait): By<DeviceToken, Query<Wait>>,
) -> Result<HttpResponse, ApiError> {
    let ask = |wait| api.app().transactions.pending(&token.device_id, wait);
    let pending = waiting::ask(&api, wait.0.0, DeviceRequestError::Unavailable, ask).await?;
    let transactions = pending.into_iter().map(PendingAnswer::from).collect();
    Ok(HttpResponse::Ok().json(PendingList { transactions }))
}

/// All of one transaction, its content sealed to the enrolled key.
#[utoipa::path(
    get,
    path = "/device/v1/transactions/{transaction_id}",
    tag = "Phones",
    params(("transaction_id" = String, Path)),
    responses((status = 200, body = FetchedAnswer), (status = "default", body = ProblemDocument)),
    security(("device_token" = [])),
)]
pub(crate) async fn fetch(
    api: web::Data<Api>,
    By(token, transaction): By<DeviceToken, InPath<TransactionId>>,
) -> Result<HttpResponse, ApiError> {
    let fetched = api
        .app()
        .transactions
        .fetch(&token.device_id, transaction.0)
        .await?;
    Ok(HttpResponse::Ok().json(FetchedAnswer::from(fetched)))
}

/// Takes the user's answer.
#[utoipa::path(
    post,
    path = "/device/v1/transactions/{transaction_id}/answer",
    tag = "Phones",
    params(("transaction_id" = String, Path)),
    request_body = AnswerBody,
    responses((status = 200, body = AnsweredBody), (status = "default", body = ProblemDocument)),
    security(("device_token" = [])),
)]
pub(crate) async fn answer(
    api: web::Data<Api>,
    By(token, (transaction, body)): By<DeviceToken, (InPath<TransactionId>, Json<AnswerBody>)>,
) -> Result<HttpResponse, ApiError> {
    let AnswerBody {
        authenticator,
        answer,
    } = body.0;
    let status = api
        .app()
        .transactions
        .answer(&token.device_id, transaction.0, &authenticator, &answer)
        .await?;
    Ok(HttpResponse::Ok().json(AnsweredBody {
        status: status.as_str(),
    }))
}

/// Makes the transaction of a scanned one-time password this user's.
#[utoipa::path(
    post,
    path = "/device/v1/otp",
    tag = "Phones",
    request_body = OtpBody,
    responses((status = 200, body = FetchedAnswer), (status = "default", body = ProblemDocument)),
    security(("device_token" = [])),
)]
pub(crate) async fn claim_otp(
    api: web::Data<Api>,
    By(token, body): By<DeviceToken, Json<OtpBody>>,
) -> Result<HttpResponse, ApiError> {
    let OtpBody { otp, profile_id } = body.0;
    let fetched = api
        .app()
        .transactions
        .claim_otp(&token.device_id, &profile_id, otp.expose())
        .await?;
    Ok(HttpResponse::Ok().json(FetchedAnswer::from(fetched)))
}
