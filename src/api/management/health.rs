//! Health and metrics of the server.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::ApiError;
use crate::api::openapi::Operation;
use crate::api::reply::Reply;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Tells that the process is alive.
    GET "/livez" => livez;

    /// Tells whether the server is ready for requests.
    GET "/readyz" => readyz;

    /// Reads the metrics, in the text format of Prometheus.
    GET "/metrics" => metrics;
};

/// How long `/readyz` waits for the database.
const PATIENCE: Duration = Duration::from_millis(400);

/// Plain text.
struct Text {
    content_type: &'static str,
    text: String,
}

impl Reply for Text {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::Ok()
            .content_type(self.content_type)
            .body(self.text))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(StatusCode::OK, "Success.", Some("text/plain"));
    }
}

/// Whether requests can be sent to the server.
#[derive(Serialize, ToSchema)]
struct Readiness {
    /// Whether everything below is true.
    ready: bool,
    /// Whether the database takes writes.
    database: bool,
    /// Whether the server accepts requests. It no longer does when it is about to stop.
    accepting: bool,
}

impl Reply for Readiness {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        let status = match self.ready {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };

        Ok(HttpResponse::build(status).json(self))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.response::<Self>(StatusCode::OK, "The server is ready.");
        operation.response::<Self>(StatusCode::SERVICE_UNAVAILABLE, "The server is not ready.");
    }
}

async fn livez() -> Text {
    Text {
        content_type: "text/plain; charset=utf-8",
        text: "ok\n".to_owned(),
    }
}

async fn readyz(api: SharedApi) -> Readiness {
    let store = &api.app.base.store;

    // Whatever the database does, whoever asks gets an answer in time.
    let database = tokio::time::timeout(PATIENCE, store.is_writable())
        .await
        .unwrap_or(false);
    let accepting = !api.is_stopping();

    Readiness {
        ready: database && accepting,
        database,
        accepting,
    }
}

async fn metrics(api: SharedApi) -> Text {
    Text {
        content_type: "text/plain; version=0.0.4; charset=utf-8",
        text: api.app.base.metrics.render(),
    }
}
