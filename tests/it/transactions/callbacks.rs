use std::time::Duration;

use countersign::sandbox::{Sandbox, SandboxOptions};

use crate::support::app::{TestApp, callback_endpoint};
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    every_end_of_push_and_otp_is_called_back,
    a_callback_that_is_not_configured_is_refused
);

async fn every_end_of_push_and_otp_is_called_back(database: Database) {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    let url = sandbox.endpoints().website.to_string();
    let app = TestApp::start_with(database, |settings, _| {
        settings
            .callback_endpoints
            .insert(url.clone(), callback_endpoint(&url).into());
    })
    .await;

    let person = app.pushed("alice").await;

    let form = [
        ("type", "push"),
        ("user_id", "alice"),
        ("callback_uri", url.as_str()),
    ];

    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(
            app.start_ok(&form).await["transaction_id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }

    let fetched = person.phone.fetch(ids[0].parse().unwrap()).await.unwrap();
    person.phone.accept(&fetched).await.unwrap();
    let fetched = person.phone.fetch(ids[1].parse().unwrap()).await.unwrap();
    person.phone.deny(&fetched).await.unwrap();

    let otp = app
        .start_ok(&[("type", "otp"), ("callback_uri", url.as_str())])
        .await;
    ids.push(otp["transaction_id"].as_str().unwrap().to_owned());

    // The third push and the OTP expire.
    app.clock.advance(Duration::from_secs(121));

    for id in &ids {
        let callback = sandbox.wait_for_callback(id).await.expect("a callback");
        let body: serde_json::Value = serde_json::from_str(&callback.body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"callback_uri": url, "transaction_id": id})
        );
    }
}

async fn a_callback_that_is_not_configured_is_refused(database: Database) {
    let app = TestApp::start(database).await;
    app.pushed("alice").await;

    let form = [
        ("type", "push"),
        ("user_id", "alice"),
        ("callback_uri", "https://portal.example/callback"),
    ];

    let response = app.post_form(super::START, &form).send().await.unwrap();
    assert_eq!(response.status(), 400);

    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["error_code"], "1003");
    assert!(app.push.accepted().is_empty());
}
