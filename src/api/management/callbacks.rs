//! Callbacks to websites: looking at them, sending those once more that were given up.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, Fault, ProblemDocument};
use crate::api::extract::{Administrator, By, Fields, FromFields, InPath, PathParameter, Query};
use crate::callbacks::{Callback, CallbackId, CallbackState, Replay};
use crate::clock::Timestamp;

/// Callbacks on one page.
const LIMIT_MAX: usize = 200;
const LIMIT_DEFAULT: usize = 50;

impl PathParameter for CallbackId {
    const NAME: &'static str = "callback_id";
}

/// Which callbacks to list.
pub(crate) struct ListQuery {
    state: Option<CallbackState>,
    cursor: Option<CallbackId>,
    limit: usize,
}

impl FromFields for ListQuery {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let limit = fields.parsed("limit")?.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Fault::parameter(
                "limit",
                format!("must be a number from 1 to {LIMIT_MAX}"),
            ));
        }
        let state = fields.text("state", 255)?;
        let state = state.map(|name| {
            let known = CallbackState::parse(&name);
            known.ok_or_else(|| {
                Fault::parameter("state", "must be \"due\", \"delivered\" or \"dead\"")
            })
        });
        Ok(Self {
            state: state.transpose()?,
            cursor: fields.parsed("cursor")?,
            limit,
        })
    }
}

/// A callback.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallbackAnswer {
    /// The `webhook-id`.
    id: String,
    transaction_id: String,
    callback_uri: String,
    /// `due`, `delivered`, `dead`.
    state: &'static str,
    /// Since it was made or replayed.
    attempts: u32,
    /// RFC 3339.
    created_at: String,
    /// When it is tried next, or was tried last; RFC 3339.
    due_at: String,
    /// When it was delivered or given up; RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

/// A page of callbacks.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallbackList {
    callbacks: Vec<CallbackAnswer>,
    /// Give it as `cursor` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl From<Callback> for CallbackAnswer {
    fn from(callback: Callback) -> Self {
        Self {
            id: callback.id.to_string(),
            transaction_id: callback.transaction_id.to_string(),
            callback_uri: callback.callback_uri,
            state: callback.state.as_str(),
            attempts: callback.attempts,
            created_at: callback.created_at.to_rfc3339(),
            due_at: callback.due_at.to_rfc3339(),
            finished_at: callback.finished_at.map(Timestamp::to_rfc3339),
            last_error: callback.last_error,
        }
    }
}

/// Callbacks in the order they were made.
#[utoipa::path(
    get,
    path = "/api/v1/callbacks",
    tag = "Administration",
    params(
        ("state" = Option<String>, Query, description = "`due`, `delivered`, `dead`; all without"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200),
    ),
    responses((status = 200, body = CallbackList), (status = "default", body = ProblemDocument)),
    security(("basic" = [])),
)]
pub(crate) async fn callbacks(
    api: web::Data<Api>,
    By(_administrator, query): By<Administrator, Query<ListQuery>>,
) -> Result<HttpResponse, ApiError> {
    let ListQuery {
        state,
        cursor,
        limit,
    } = query.0;
    let page = api.app().callbacks.list(state, cursor, limit).await?;
    let last = page.last().filter(|_| page.len() == limit);
    let next_cursor = last.map(|callback| callback.id.to_string());
    let callbacks = page.into_iter().map(CallbackAnswer::from).collect();
    Ok(HttpResponse::Ok().json(CallbackList {
        callbacks,
        next_cursor,
    }))
}

/// Sends a callback once more, with all its attempts before it.
#[utoipa::path(
    post,
    path = "/api/v1/callbacks/{callback_id}/replay",
    tag = "Administration",
    params(("callback_id" = String, Path)),
    responses((status = 202), (status = 409, body = ProblemDocument), (status = "default", body = ProblemDocument)),
    security(("basic" = [])),
)]
pub(crate) async fn replay_callback(
    api: web::Data<Api>,
    By(_administrator, id): By<Administrator, InPath<CallbackId>>,
) -> Result<HttpResponse, ApiError> {
    match api.app().callbacks.replay(id.0).await? {
        Replay::Queued => Ok(HttpResponse::Accepted().finish()),
        Replay::StillDue => Err(ApiError::still_due()),
        Replay::NotFound => Err(ApiError::not_found()),
    }
}
