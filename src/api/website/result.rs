//! A transaction that was started: reading its result, cancelling it, sending its push again.

use serde::Serialize;
use utoipa::ToSchema;

use super::idempotent::Idempotent;
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::ApiError;
use crate::api::extract::{IdempotencyHeader, Json, Path, Query, Wait, Website, WebsiteForm};
use crate::api::reply::NoContent;
use crate::api::{names, waiting};
use crate::ids::TransactionId;
use crate::transactions::{Reason, Status, TransactionResult, WebsiteError, method_name};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Reads the result of a transaction.
    ///
    /// With `wait`, the response comes as soon as the transaction changes, at the latest when the
    /// time is up. Results can be read for 24 hours after the end, unless the server is configured
    /// otherwise.
    GET "/oauth/api/v4/authenticate/transaction/{transaction_id}" => read_result,
        404 "This website has no such transaction (1006).";

    /// Cancels a pending transaction.
    DELETE "/oauth/api/v4/authenticate/transaction/{transaction_id}" => cancel_transaction,
        404 "This website has no such transaction (1006).",
        409 "The transaction has ended already.";

    /// Sends the push of a pending transaction again.
    POST "/oauth/api/v4/authenticate/transaction/{transaction_id}/resend" => resend_push,
        403 "The push was sent again as often as its type allows (3006).",
        404 "The user cannot be asked (1001), or this website has no such transaction (1006).",
        409 "The transaction has ended already, or the first request with this `Idempotency-Key` is \
             still running.",
        429 "The user was asked too often on this device.",
        503 "The push could not be sent (1002), or the server is busy.";
};

/// The state of a transaction.
#[derive(Serialize, ToSchema)]
#[schema(as = TransactionResult)]
struct ResultBody {
    /// The URL that is called when the transaction has ended, if the start named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_uri: Option<String>,
    /// A UUID.
    transaction_id: String,
    /// When the transaction was started, in milliseconds since the epoch.
    timestamp: i64,
    /// The user who answered, or who is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Whether the user accepted. False while the transaction is pending.
    is_authenticated: bool,
    /// The method in use: `push`, `otp` or `sms`.
    authentication_method: &'static str,
    /// Why not, if the transaction ended otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_authenticated_reason: Option<ReasonBody>,
    /// `pending`, `accepted`, `denied`, `expired`, `cancelled` or `failed`.
    status: &'static str,
    /// When the transaction expires, or would have expired, in RFC 3339.
    expires_at: String,
}

/// Why the user did not accept.
#[derive(Serialize, ToSchema)]
#[schema(as = NotAuthenticatedReason)]
struct ReasonBody {
    /// `not_accepted`, `invalid_answer`, `failed_to_send`, `expired`, `cancelled` or `reported`.
    reason: &'static str,
    /// The same for people.
    description: &'static str,
}

impl From<Reason> for ReasonBody {
    fn from(reason: Reason) -> Self {
        Self {
            reason: names::reason(reason),
            description: names::reason_description(reason),
        }
    }
}

impl From<TransactionResult> for ResultBody {
    fn from(result: TransactionResult) -> Self {
        Self {
            callback_uri: result.callback_uri,
            transaction_id: result.transaction_id.to_string(),
            timestamp: result.created_at.as_millis(),
            user_id: result.user_id.map(String::from),
            is_authenticated: result.status == Status::Accepted,
            authentication_method: method_name(result.method),
            not_authenticated_reason: result.reason.map(ReasonBody::from),
            status: result.status.as_str(),
            expires_at: result.expires_at.to_rfc3339(),
        }
    }
}

async fn read_result(
    api: SharedApi,
    website: Website,
    Path(transaction): Path<TransactionId>,
    Query(Wait { wait }): Query<Wait>,
) -> Result<Json<ResultBody>, ApiError> {
    let transactions = &api.app.transactions;
    let ask = |wait| transactions.result(website.id(), transaction, wait);
    let result = waiting::ask(&api, wait, WebsiteError::Unavailable, ask).await?;

    Ok(Json(result.into()))
}

async fn cancel_transaction(
    api: SharedApi,
    website: Website,
    Path(transaction): Path<TransactionId>,
) -> Result<NoContent, ApiError> {
    let transactions = &api.app.transactions;
    transactions.cancel(website.id(), transaction).await?;

    Ok(NoContent)
}

async fn resend_push(
    api: SharedApi,
    WebsiteForm { client, body, .. }: WebsiteForm<()>,
    Path(transaction): Path<TransactionId>,
    key: IdempotencyHeader,
) -> Idempotent<NoContent> {
    let key = key.of(client.id(), &body);
    let transactions = &api.app.transactions;
    let answer = transactions.resend(client.id(), transaction, key).await;

    Idempotent::new(answer, |()| NoContent)
}
