//! A transaction that was started: its result, calling it off, asking again.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::respond;
use crate::api::error::{ApiError, WebsiteBody};
use crate::api::extract::{
    By, ClientForm, IdempotencyHeader, InPath, Query, Wait, Website, WebsiteForm,
};
use crate::api::{Api, names, waiting};
use crate::ids::TransactionId;
use crate::transactions::{Reason, Status, TransactionResult, WebsiteError, method_name};

/// How a transaction stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResultAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_uri: Option<String>,
    /// UUID.
    transaction_id: String,
    /// When it was started, in milliseconds since the epoch.
    timestamp: i64,
    /// Who answered or is to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The verdict; false while it is pending.
    is_authenticated: bool,
    /// The method that ran: `push`, `otp`, `sms`.
    authentication_method: &'static str,
    /// Where it ended without being accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_authenticated_reason: Option<ReasonAnswer>,
    /// `pending`, `accepted`, `denied`, `expired`, `cancelled`, `failed`.
    status: &'static str,
    /// RFC 3339.
    expires_at: String,
}

/// Why a transaction was not accepted.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReasonAnswer {
    /// `not_accepted`, `invalid_answer`, `failed_to_send`, `expired`, `cancelled`, `reported`.
    reason: &'static str,
    /// For people.
    description: &'static str,
}

impl From<Reason> for ReasonAnswer {
    fn from(reason: Reason) -> Self {
        Self {
            reason: names::reason(reason),
            description: names::reason_description(reason),
        }
    }
}

impl From<TransactionResult> for ResultAnswer {
    fn from(result: TransactionResult) -> Self {
        Self {
            callback_uri: result.callback_uri,
            transaction_id: result.transaction_id.to_string(),
            timestamp: result.created_at.as_millis(),
            user_id: result.user_id.map(String::from),
            is_authenticated: result.status == Status::Accepted,
            authentication_method: method_name(result.method),
            not_authenticated_reason: result.reason.map(ReasonAnswer::from),
            status: result.status.as_str(),
            expires_at: result.expires_at.to_rfc3339(),
        }
    }
}

/// The result of a transaction; with `wait`, as soon as it changes or the time is up.
#[utoipa::path(
    get,
    path = "/oauth/api/v4/authenticate/transaction/{transaction_id}",
    tag = "Mobile authentication",
    params(
        ("transaction_id" = String, Path),
        ("wait" = Option<u64>, Query, description = "Seconds", minimum = 0, maximum = 60),
    ),
    responses((status = 200, body = ResultAnswer), (status = "default", body = WebsiteBody)),
    security(("basic" = [])),
)]
pub(crate) async fn result(
    api: web::Data<Api>,
    By(client, (transaction, wait)): By<Website, (InPath<TransactionId>, Query<Wait>)>,
) -> Result<HttpResponse, ApiError> {
    let ask = |wait| {
        api.app()
            .transactions
            .result(client.id(), transaction.0, wait)
    };
    let result = waiting::ask(&api, wait.0.0, WebsiteError::Unavailable, ask).await?;
    Ok(HttpResponse::Ok().json(ResultAnswer::from(result)))
}

/// Calls a pending transaction off.
#[utoipa::path(
    delete,
    path = "/oauth/api/v4/authenticate/transaction/{transaction_id}",
    tag = "Mobile authentication",
    params(("transaction_id" = String, Path)),
    responses((status = 204), (status = 409, body = WebsiteBody), (status = "default", body = WebsiteBody)),
    security(("basic" = [])),
)]
pub(crate) async fn cancel(
    api: web::Data<Api>,
    By(client, transaction): By<Website, InPath<TransactionId>>,
) -> Result<HttpResponse, ApiError> {
    api.app()
        .transactions
        .cancel(client.id(), transaction.0)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Pushes the same request again.
#[utoipa::path(
    post,
    path = "/oauth/api/v4/authenticate/transaction/{transaction_id}/resend",
    tag = "Mobile authentication",
    params(("transaction_id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 204), (status = "default", body = WebsiteBody)),
    security(("basic" = [])),
)]
pub(crate) async fn resend(
    api: web::Data<Api>,
    By(request, (transaction, key)): By<
        WebsiteForm<()>,
        (InPath<TransactionId>, IdempotencyHeader),
    >,
) -> HttpResponse {
    let ClientForm { client, body, .. } = request;
    let key = key.of(client.id(), &body);
    let answer = api
        .app()
        .transactions
        .resend(client.id(), transaction.0, key)
        .await;
    respond(answer, |()| HttpResponse::NoContent().finish())
}
