//! Clients are told when a log-in has ended (OpenID Connect Back-Channel Logout).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::pages::{app_with_client, remembered};
use crate::support::app::{ADMINISTRATOR, TestApp};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::send;
use crate::support::listener::Listener;

on_both_databases!(
    a_client_is_told_that_a_log_in_has_ended,
    a_client_that_does_not_answer_is_told_again,
);

/// An app whose client "web" is told of log-outs.
async fn app_that_tells(database: Database) -> (TestApp, Listener) {
    let app = app_with_client(database).await;
    let listener = Listener::start();
    let address = format!("{}/ended", listener.address);
    let mut settings = (*app.app.base.settings.load()).clone();
    for client in settings.web_clients.values_mut() {
        Arc::make_mut(client).backchannel_logout_uri = Some(address.clone());
    }
    app.app.base.settings.replace(settings);

    (app, listener)
}

/// A part of a JWT.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Waits until the listener has got so many requests.
async fn requests(app: &TestApp, listener: &Listener, count: usize) -> Vec<String> {
    for _ in 0..200 {
        let requests = listener.requests();
        if requests.len() >= count {
            return requests;
        }
        app.clock.advance(Duration::from_millis(500));
        countersign::clock::Clock::system()
            .sleep(Duration::from_millis(20))
            .await;
    }

    panic!("{} of {count} requests", listener.requests().len());
}

/// The logout token of a request.
fn logout_token(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /ended HTTP/1.1"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(
        head.contains("content-type: application/x-www-form-urlencoded"),
        "{head}"
    );
    assert!(
        !head.contains("authorization:") && !head.contains("webhook-"),
        "{head}"
    );

    body.strip_prefix("logout_token=").unwrap().to_owned()
}

async fn a_client_is_told_that_a_log_in_has_ended(database: Database) {
    let (app, listener) = app_that_tells(database).await;
    let (mut browser, id_token) = remembered(&app).await;
    let sid = part(&id_token, 1)["sid"].clone();
    assert!(sid.is_string(), "{id_token}");

    let metadata = send(app.request("GET", "/.well-known/openid-configuration")).await;
    assert_eq!(metadata.json["backchannel_logout_supported"], true);
    assert_eq!(metadata.json["backchannel_logout_session_supported"], true);

    let out = browser
        .open(&format!("/oauth/logout?id_token_hint={id_token}"))
        .await;
    assert_eq!(out.status(), 200);

    let sent = requests(&app, &listener, 1).await;
    let token = logout_token(&sent[0]);
    // By the key of the ID token, so that the client can verify it.
    let (header, of_id_token) = (part(&token, 0), part(&id_token, 0));
    assert_eq!(
        (&header["typ"], &header["kid"]),
        (&json!("logout+jwt"), &of_id_token["kid"])
    );
    let claims = part(&token, 1);
    assert_eq!(claims["sid"], sid);
    for (claim, expected) in [
        ("iss", json!(app.public_url)),
        ("aud", json!("web")),
        ("sub", json!("alice")),
        (
            "events",
            json!({ "http://schemas.openid.net/event/backchannel-logout": {} }),
        ),
    ] {
        assert_eq!(claims[claim], expected, "{claim}");
    }
    // §2.4: so that it is never taken for an ID token.
    assert!(claims.get("nonce").is_none(), "{claims}");
    assert!(claims["exp"].as_i64() > claims["iat"].as_i64() && claims["jti"].is_string());

    // Once, whoever comes after.
    browser
        .open(&format!("/oauth/logout?id_token_hint={id_token}"))
        .await;
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(requests(&app, &listener, 1).await.len(), 1);
}

async fn a_client_that_does_not_answer_is_told_again(database: Database) {
    let (app, listener) = app_that_tells(database).await;
    let (mut browser, id_token) = remembered(&app).await;

    listener.answer(503, "busy");
    browser
        .open(&format!("/oauth/logout?id_token_hint={id_token}"))
        .await;
    requests(&app, &listener, 2).await;
    listener.answer(204, "");
    let sent = requests(&app, &listener, 3).await;
    assert_eq!(logout_token(&sent[0]), logout_token(&sent[2]));

    // Administrators see it among the callbacks, without a transaction and without the token.
    let list = send(
        app.manage("GET", "/api/v1/callbacks")
            .basic_auth(ADMINISTRATOR.0, Some(ADMINISTRATOR.1)),
    )
    .await;
    let listed = &list.json["callbacks"][0];
    assert_eq!(
        listed["callback_uri"],
        format!("{}/ended", listener.address)
    );
    assert!(listed.get("transaction_id").is_none(), "{listed}");
    assert!(!list.json.to_string().contains(&logout_token(&sent[0])));
}
