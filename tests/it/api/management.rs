//! Health, metrics and the pages that describe the API.

use super::{START, started_otp, transaction};
use crate::support::app::{TestApp, WEBSITE};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::send;

on_both_databases!(
    a_healthy_server_is_ready,
    requests_are_counted_by_route,
    the_pages_come_from_here
);

async fn text(app: &TestApp, path: &str) -> String {
    let response = app.manage("GET", path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

async fn a_healthy_server_is_ready(database: Database) {
    let app = TestApp::start(database).await;
    assert_eq!(text(&app, "/livez").await, "ok\n");
    let ready = send(app.manage("GET", "/readyz")).await;
    assert_eq!(
        ready.json,
        serde_json::json!({ "ready": true, "database": true, "accepting": true })
    );
}

async fn requests_are_counted_by_route(database: Database) {
    let app = TestApp::start(database).await;
    let id = started_otp(&app).await;

    for user in ["alice", "bob"] {
        send(app.get(&format!("{START}/{user}/enabled"))).await;
    }

    send(
        app.request("MADE-UP", &transaction(&id))
            .basic_auth(WEBSITE.0, Some(WEBSITE.1)),
    )
    .await;

    send(app.get("/nowhere")).await;
    let metrics = text(&app, "/metrics").await;
    for line in [
        "http_requests_total{method=\"GET\",route=\"/oauth/api/v4/authenticate/user/{user_id}/enabled\",status=\"200\"} 2",
        "http_requests_total{method=\"POST\",route=\"/oauth/api/v4/authenticate/user\",status=\"200\"} 1",
        "http_requests_total{method=\"other\",route=\"/oauth/api/v4/authenticate/transaction/{transaction_id}\",status=\"405\"} 1",
        "http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }

    for personal in ["alice", "bob", "nowhere", id.as_str()] {
        assert!(!metrics.contains(personal), "{personal}");
    }
}

async fn the_pages_come_from_here(database: Database) {
    let app = TestApp::start(database).await;
    let redirect = app.manage("GET", "/docs").send().await.unwrap();
    assert_eq!(
        (
            redirect.status().as_u16(),
            redirect.headers()["location"].to_str().unwrap()
        ),
        (303, "/docs/")
    );

    let page = text(&app, "/docs/").await;
    let script = text(&app, "/docs/docs.js").await;
    let style = text(&app, "/docs/docs.css").await;

    assert!(
        page.contains("docs.js") && page.contains("docs.css"),
        "{page}"
    );

    assert!(script.contains("../openapi.json"), "{script}");

    for part in [page, script, style] {
        assert!(
            !part.contains("http://") && !part.contains("https://"),
            "{part}"
        );
    }

    let unknown = app.manage("GET", "/docs/other.js").send().await.unwrap();
    assert_eq!(unknown.status(), 404);
}
