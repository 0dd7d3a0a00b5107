//! Callbacks to websites: listing them, and replaying those that ended.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Administrator, Fields, FromFields, Json, Path, PathParameter, Query};
use crate::api::reply::Accepted;
use crate::callbacks::{Callback, CallbackId, CallbackState, Replay};
use crate::clock::Timestamp;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Lists callbacks, in the order in which they were made.
    GET "/api/v1/callbacks" => list_callbacks;

    /// Sends a callback again, with as many attempts as the first time.
    POST "/api/v1/callbacks/{callback_id}/replay" => replay_callback,
        404 "There is no such callback.",
        409 "The callback is still being tried.";
};

const LIMIT_MAX: usize = 200;
const LIMIT_DEFAULT: usize = 50;

impl PathParameter for CallbackId {
    const NAME: &'static str = "callback_id";
    const DESCRIPTION: &'static str = "The `id` of the callback in the list.";
}

/// Which callbacks to list.
#[derive(ToSchema)]
struct ListQuery {
    /// Only callbacks in this state: `due`, `delivered` or `dead`. Default: all.
    #[schema(value_type = Option<String>)]
    state: Option<CallbackState>,
    /// The `next_cursor` of the page before.
    #[schema(value_type = Option<String>)]
    cursor: Option<CallbackId>,
    /// The most callbacks on the page. Default: 50.
    #[schema(value_type = Option<usize>, minimum = 1, maximum = 200)]
    limit: usize,
}

impl FromFields for ListQuery {
    type Schema = Self;

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
#[schema(as = Callback)]
struct CallbackBody {
    /// A UUID, which the callback also has as `webhook-id`.
    id: String,
    /// The transaction that ended. Absent where a client is told that a log-in has.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    /// The URL that is called.
    callback_uri: String,
    /// `due`: to be sent. `delivered`: the website accepted it. `dead`: given up.
    state: &'static str,
    /// How often it was sent since it was made or replayed.
    attempts: u32,
    /// When it was made, in RFC 3339.
    created_at: String,
    /// When it is sent next, or was sent last, in RFC 3339.
    due_at: String,
    /// When it was delivered or given up, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

/// A page of callbacks.
#[derive(Serialize, ToSchema)]
struct CallbackPage {
    callbacks: Vec<CallbackBody>,
    /// The `cursor` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl From<Callback> for CallbackBody {
    fn from(callback: Callback) -> Self {
        Self {
            id: callback.id.to_string(),
            transaction_id: callback.transaction_id.map(|id| id.to_string()),
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

async fn list_callbacks(
    api: SharedApi,
    _administrator: Administrator,
    Query(query): Query<ListQuery>,
) -> Result<Json<CallbackPage>, ApiError> {
    let ListQuery {
        state,
        cursor,
        limit,
    } = query;

    let page = api.app.callbacks.list(state, cursor, limit).await?;

    let last = page.last().filter(|_| page.len() == limit);
    let next_cursor = last.map(|callback| callback.id.to_string());

    Ok(Json(CallbackPage {
        callbacks: page.into_iter().map(CallbackBody::from).collect(),
        next_cursor,
    }))
}

async fn replay_callback(
    api: SharedApi,
    _administrator: Administrator,
    Path(id): Path<CallbackId>,
) -> Result<Accepted, ApiError> {
    match api.app.callbacks.replay(id).await? {
        Replay::Queued => Ok(Accepted),
        Replay::StillDue => Err(ApiError::still_due()),
        Replay::NotFound => Err(ApiError::not_found()),
    }
}
