use std::time::Duration;

use crate::support::app::TestApp;
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    whoever_scans_is_the_user,
    a_password_is_claimed_by_one_device_only,
    an_altered_or_expired_password_is_refused,
);

const FORM: [(&str, &str); 2] = [
    ("type", "otp"),
    ("secure_message", "Log in on the big screen"),
];

async fn whoever_scans_is_the_user(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.enrolled("alice").await;
    let started = app.start_ok(&FORM).await;
    let (id, otp) = (
        started["transaction_id"].as_str().unwrap(),
        started["otp"].as_str().unwrap(),
    );
    assert!(app.result(id).await.get("user_id").is_none());

    let profile = person.phone.profile_id(&person.user).unwrap();
    let fetched = person.phone.scan_otp(otp, profile).await.unwrap();
    assert_eq!(
        fetched.secure_message.as_deref(),
        Some("Log in on the big screen")
    );

    // If the answer gets lost, scanning again gives the same one.
    let again = person.phone.scan_otp(otp, profile).await.unwrap();
    assert_eq!(again.content_digest, fetched.content_digest);
    assert_eq!(person.phone.accept(&fetched).await.unwrap(), "accepted");

    let result = app.result(id).await;
    assert_eq!(
        (result["status"].as_str(), result["user_id"].as_str()),
        (Some("accepted"), Some("alice"))
    );

    assert_eq!(result["authentication_method"], "otp");
}

async fn a_password_is_claimed_by_one_device_only(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, bob) = (app.enrolled("alice").await, app.enrolled("bob").await);
    let started = app.start_ok(&FORM).await;
    let otp = started["otp"].as_str().unwrap();
    let scan = async |person: &crate::support::people::Person| {
        person
            .phone
            .scan_otp(otp, person.phone.profile_id(&person.user).unwrap())
            .await
    };

    let (first, second) = tokio::join!(scan(&alice), scan(&bob));
    assert_eq!(
        [first.is_ok(), second.is_ok()]
            .iter()
            .filter(|claimed| **claimed)
            .count(),
        1
    );

    assert_eq!(
        app.status(started["transaction_id"].as_str().unwrap())
            .await,
        "pending"
    );
}

async fn an_altered_or_expired_password_is_refused(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.enrolled("alice").await;
    let started = app.start_ok(&FORM).await;
    let otp = started["otp"].as_str().unwrap().to_owned();
    let profile = person.phone.profile_id(&person.user).unwrap();
    let mut altered = otp.clone().into_bytes();
    altered[30] = if altered[30] == b'A' { b'B' } else { b'A' };

    let refused = person
        .phone
        .scan_otp(str::from_utf8(&altered).unwrap(), profile)
        .await
        .unwrap_err();

    assert_eq!(refused.code(), Some("not_found"));

    let nobody = "AAAAAA".parse().unwrap();
    assert_eq!(
        person
            .phone
            .scan_otp(&otp, nobody)
            .await
            .unwrap_err()
            .code(),
        Some("not_found")
    );

    app.clock.advance(Duration::from_secs(120));

    assert_eq!(
        person
            .phone
            .scan_otp(&otp, profile)
            .await
            .unwrap_err()
            .code(),
        Some("expired")
    );
}
