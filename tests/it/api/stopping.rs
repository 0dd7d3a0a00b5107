//! A server that stops completes its requests.

use super::{START, started_otp, transaction};
use crate::support::app::TestApp;
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::send;

on_both_databases!(
    a_waiting_request_is_answered_when_the_server_stops,
    a_request_in_progress_completes_when_the_server_stops
);

async fn a_waiting_request_is_answered_when_the_server_stops(database: Database) {
    let app = TestApp::start(database).await;
    let id = started_otp(&app).await;
    let phone = app.enrolled("alice").await.phone;
    let token = phone.device_token().await.unwrap();
    let website = tokio::spawn(send(app.get(&format!("{}?wait=60", transaction(&id)))));

    let request = app
        .request("GET", "/device/v1/transactions?wait=60")
        .bearer_auth(token.expose());
    let device = tokio::spawn(send(request));

    loop {
        let metrics = app
            .manage("GET", "/metrics")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();

        if metrics.contains("countersign_waiting_requests 2") {
            break;
        }
    }

    // The clock stands still, so only the stop ends the waiting.
    app.stop().await;
    let result = website.await.unwrap();
    assert_eq!((result.status, result.text("status")), (200, "pending"));

    let pending = device.await.unwrap();
    assert_eq!(
        (pending.status, pending.json),
        (200, serde_json::json!({ "transactions": [] }))
    );
}

async fn a_request_in_progress_completes_when_the_server_stops(database: Database) {
    let app = TestApp::start(database).await;
    app.sms.hold();

    let form = [
        ("type", "sms"),
        ("user_id", "alice"),
        ("phone_number", "+15055551234"),
    ];

    let held = tokio::spawn(send(app.post_form(START, &form)));

    while app.sms.attempts() == 0 {
        tokio::task::yield_now().await;
    }

    let sms = std::sync::Arc::clone(&app.sms);
    let (http, url) = (app.http.clone(), app.public_url.clone());
    let stopped = tokio::spawn(app.stop());

    // The server accepts no new connections.
    while http.get(&url).send().await.is_ok() {
        tokio::task::yield_now().await;
    }

    assert!(!stopped.is_finished() && !held.is_finished());

    sms.release();
    assert_eq!(held.await.unwrap().status, 200);

    stopped.await.unwrap();
}
