//! Limits on requests, and handlers that panic.

use super::{START, UNKNOWN, started_otp, transaction};
use crate::support::app::{TestApp, WEBSITE};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::send;

on_both_databases!(
    one_request_too_many_is_refused_at_once,
    one_waiting_request_too_many_is_refused_at_once,
    a_waiting_request_takes_no_place,
    a_panic_in_a_handler_fails_one_request_only,
);

async fn one_request_too_many_is_refused_at_once(database: Database) {
    let app = TestApp::start_with(database, |_, limits| limits.requests_in_flight_max = 1).await;
    app.sms.hold();

    let form = [
        ("type", "sms"),
        ("user_id", "alice"),
        ("phone_number", "+15055551234"),
    ];

    let held = tokio::spawn(app.post_form(START, &form).send());

    while app.sms.attempts() == 0 {
        tokio::task::yield_now().await;
    }

    for (path, shape) in [
        (transaction(UNKNOWN), "error_description"),
        ("/device/v1/push".to_owned(), "detail"),
    ] {
        let busy = send(app.get(&path)).await;
        assert_eq!(
            (busy.named(), busy.header("retry-after")),
            ((503, "temporarily_unavailable"), Some("1"))
        );

        assert!(busy.json[shape].is_string(), "{busy:?}");
    }

    // The management listener has a limit of its own.
    assert_eq!(send(app.manage("GET", "/readyz")).await.status, 200);

    app.sms.release();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    assert_eq!(send(app.get(&transaction(UNKNOWN))).await.status, 404);
}

async fn one_waiting_request_too_many_is_refused_at_once(database: Database) {
    let app = TestApp::start_with(database, |_, limits| limits.waiting_requests_max = 2).await;
    let id = started_otp(&app).await;
    let path = format!("{}?wait=60", transaction(&id));
    let waits: Vec<_> = (0..2).map(|_| tokio::spawn(send(app.get(&path)))).collect();

    while waiting(&app).await < 2 {
        tokio::task::yield_now().await;
    }

    let refused = send(app.get(&path)).await;
    assert_eq!(
        (refused.named(), refused.header("retry-after")),
        ((503, "temporarily_unavailable"), Some("1"))
    );

    assert_eq!(send(app.get(&transaction(&id))).await.status, 200);

    cancel(&app, &id).await;

    for wait in waits {
        assert_eq!(wait.await.unwrap().text("status"), "cancelled");
    }

    while waiting(&app).await > 0 {
        tokio::task::yield_now().await;
    }
}

/// Cancels a transaction, which ends the requests that wait for it.
async fn cancel(app: &TestApp, id: &str) {
    let cancelled = send(
        app.request("DELETE", &transaction(id))
            .basic_auth(WEBSITE.0, Some(WEBSITE.1)),
    )
    .await;

    assert_eq!(cancelled.status, 204);
}

/// How many requests wait.
async fn waiting(app: &TestApp) -> u32 {
    let metrics = app
        .manage("GET", "/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();

    let line = metrics
        .lines()
        .find(|line| line.starts_with("countersign_waiting_requests "))
        .unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

async fn a_waiting_request_takes_no_place(database: Database) {
    let app = TestApp::start_with(database, |_, limits| limits.requests_in_flight_max = 1).await;
    let id = started_otp(&app).await;
    let wait = tokio::spawn(send(app.get(&format!("{}?wait=60", transaction(&id)))));

    while waiting(&app).await < 1 {
        tokio::task::yield_now().await;
    }

    assert_eq!(
        send(app.get(&transaction(&id))).await.text("status"),
        "pending"
    );

    cancel(&app, &id).await;
    assert_eq!(wait.await.unwrap().text("status"), "cancelled");
}

async fn a_panic_in_a_handler_fails_one_request_only(database: Database) {
    let app = TestApp::start(database).await;
    let phone = app.phone().await;
    let metadata = serde_json::json!({
        "software_id": "bank",
        "software_version": "1.0",
        "platform": "android",
        "jwks": { "keys": [phone.key().public()] },
        "token_endpoint_auth_method": "private_key_jwt",
    });

    app.random.panic_once();
    let failed = send(app.request("POST", "/oauth/register").json(&metadata)).await;
    assert_eq!((failed.status, failed.text("code")), (500, "server_error"));

    assert_eq!(
        failed.header("x-request-id"),
        Some(failed.text("request_id"))
    );

    assert_eq!(
        failed.text("detail"),
        "The server failed. Its log has the details under the id of this request."
    );

    assert_eq!(
        send(app.request("POST", "/oauth/register").json(&metadata))
            .await
            .status,
        201
    );
}
