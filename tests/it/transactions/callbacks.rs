use std::time::Duration;

use countersign::sandbox::{Sandbox, SandboxOptions};
use countersign::settings::CallbackEndpoint;

use crate::support::app::{OTHER_WEBSITE, TestApp, WEBSITE, callback_endpoint};
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    every_end_of_push_and_otp_is_called_back,
    a_callback_that_is_not_configured_is_refused,
    an_endpoint_of_another_website_is_refused,
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

async fn an_endpoint_of_another_website_is_refused(database: Database) {
    let url = "https://portal.example/callback";
    let app = TestApp::start_with(database, |settings, _| {
        let endpoint = CallbackEndpoint {
            clients: [OTHER_WEBSITE.0.to_owned()].into(),
            ..callback_endpoint(url)
        };
        settings
            .callback_endpoints
            .insert(url.to_owned(), endpoint.into());
        // Also where callbacks may go anywhere: its credentials would come along.
        let general = std::sync::Arc::make_mut(&mut settings.mobile_authentication);
        general.callback_allow_list_enabled = false;
    })
    .await;

    let start = async |website: (&str, &str)| {
        let form = [("type", "otp"), ("callback_uri", url)];
        let request = app.request("POST", super::START).form(&form);
        let request = request.basic_auth(website.0, Some(website.1));
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body: serde_json::Value = response.json().await.unwrap();
        (status, body["error_code"].clone())
    };

    assert_eq!(start(WEBSITE).await, (400, "1003".into()));
    assert_eq!(start(OTHER_WEBSITE).await.0, 200);
}
