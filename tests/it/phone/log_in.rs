//! Registration and log-in.

use std::sync::Arc;

use countersign::ids::UserId;
use countersign::phone::{Phone, PhoneError, PhoneProfile};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::databases::{Database, on_both_databases};
use crate::support::server::{APPLICATION, REDIRECT_URI, TestServer};

on_both_databases!(consent_is_given_if_the_application_requires_it);

async fn consent_is_given_if_the_application_requires_it(database: Database) {
    let app = TestApp::start_with(database, |settings, _| {
        let bank = settings
            .applications
            .get_mut(&"bank".parse().unwrap())
            .unwrap();
        Arc::make_mut(bank).skip_consent = false;
    })
    .await;

    let phone = app.phone().await;
    let begun = phone.begin_log_in("bank://login").unwrap();
    let mut browser = app.browser();
    let challenge = browser.challenge(begun.address.as_str(), "login").await;

    let answer = json!({"subject": "alice", "remember": true});
    let resume = app.accept("login", &challenge, answer).await;
    browser.challenge(&resume, "consent").await;

    let alice: UserId = "alice".parse().unwrap();
    app.enrol(&phone, &alice).await;
    assert!(phone.enrolment(&alice).await.is_ok());
}

#[tokio::test]
async fn an_unknown_version_cannot_register() {
    let server = TestServer::start().await;
    let profile = PhoneProfile::new(APPLICATION, "0.0", "android");
    let refused = Phone::register(server.connection(), &profile)
        .await
        .err()
        .unwrap();
    assert_eq!(refused.code(), Some("invalid_client_metadata"));
}

#[tokio::test]
async fn an_unregistered_redirect_uri_is_refused() {
    let server = TestServer::start().await;
    let phone = server.phone().await;
    let browser = server.login_page();
    let alice: UserId = "alice".parse().unwrap();
    let refused = phone.log_in(&browser, &alice, "app://elsewhere").await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, PhoneError::Refused { status: 400, .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn enrolment_requires_a_log_in() {
    let server = TestServer::start().await;
    let phone = server.phone().await;
    let alice: UserId = "alice".parse().unwrap();
    assert!(matches!(
        phone.enrol(&alice).await,
        Err(PhoneError::NotLoggedIn(_))
    ));
}

#[tokio::test]
async fn the_response_of_another_log_in_is_refused() {
    let server = TestServer::start().await;
    let phone = server.phone().await;
    let alice: UserId = "alice".parse().unwrap();
    let begun = phone.begin_log_in(REDIRECT_URI).unwrap();
    let forged = format!("{REDIRECT_URI}?code=x&state=y").parse().unwrap();
    assert!(matches!(
        phone.finish_log_in(begun, &alice, &forged).await,
        Err(PhoneError::LogInFailed(_))
    ));
}

#[tokio::test]
async fn an_unregistered_installation_gets_no_tokens() {
    let server = TestServer::start().await;
    let phone = server.enrolled_phone("alice").await;
    phone.device_token().await.unwrap();
    phone.unregister().await.unwrap();
    phone.forget_device_token();

    assert_eq!(
        phone.device_token().await.unwrap_err().code(),
        Some("invalid_client")
    );
}
