//! Administrators end what users, devices and clients have.

use serde_json::json;

use crate::support::app::{ADMINISTRATOR, TestApp};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::{Answer, send};
use crate::support::people::Person;

on_both_databases!(
    a_user_is_renamed,
    a_changed_password_ends_log_ins_only,
    a_user_is_disconnected_from_a_device,
    a_device_is_deleted_with_all_its_users,
    a_client_and_a_resource_server_lose_their_tokens,
);

async fn administer(app: &TestApp, method: &str, path: &str) -> Answer {
    send(
        app.manage(method, path)
            .basic_auth(ADMINISTRATOR.0, Some(ADMINISTRATOR.1)),
    )
    .await
}

async fn rename(app: &TestApp, user: &str, body: serde_json::Value) -> Answer {
    let request = app
        .manage("POST", &format!("/api/v1/users/{user}/rename"))
        .json(&body);
    send(request.basic_auth(ADMINISTRATOR.0, Some(ADMINISTRATOR.1))).await
}

/// The status of a request with the user's present token.
async fn enrolment(app: &TestApp, person: &Person) -> u16 {
    let token = person.phone.user_token(&person.user).await.unwrap();
    send(
        app.request("GET", "/device/v1/enrolment")
            .bearer_auth(token.expose()),
    )
    .await
    .status
}

async fn a_user_is_renamed(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, bob) = (app.pushed("alice").await, app.enrolled("bob").await);
    for body in [
        json!({}),
        json!({ "user_id": "" }),
        json!({ "user_id": 7 }),
        json!({ "user_id": "x".repeat(300) }),
    ] {
        assert_eq!(
            rename(&app, "alice", body).await.named(),
            (400, "invalid_request")
        );
    }

    assert_eq!(
        rename(&app, "alice", json!({ "user_id": "bob" }))
            .await
            .named(),
        (409, "user_id_in_use")
    );

    assert_eq!(enrolment(&app, &alice).await, 200);

    assert_eq!(
        rename(&app, "alice", json!({ "user_id": "alicia" }))
            .await
            .status,
        204
    );

    assert_eq!(
        (enrolment(&app, &alice).await, enrolment(&app, &bob).await),
        (401, 200)
    );

    let form = |user| [("type", "push"), ("user_id", user), ("message", "Pay?")];
    let old = send(app.post_form(super::START, &form("alice"))).await;
    assert_eq!(old.numbered(), (404, "1001"));

    let started = app.start_ok(&form("alicia")).await;
    let id = started["transaction_id"].as_str().unwrap();
    let fetched = alice.phone.fetch(id.parse().unwrap()).await.unwrap();
    assert_eq!(alice.phone.accept(&fetched).await.unwrap(), "accepted");
}

async fn a_changed_password_ends_log_ins_only(database: Database) {
    let app = TestApp::start(database).await;
    let alice = app.pushed("alice").await;
    app.change_user(&alice.user, "password-changed").await;
    assert_eq!(enrolment(&app, &alice).await, 401);

    let started = app
        .start_ok(&[("type", "push"), ("user_id", "alice"), ("message", "Pay?")])
        .await;
    let fetched = alice
        .phone
        .fetch(started["transaction_id"].as_str().unwrap().parse().unwrap())
        .await
        .unwrap();

    assert_eq!(alice.phone.accept(&fetched).await.unwrap(), "accepted");
}

async fn a_user_is_disconnected_from_a_device(database: Database) {
    let app = TestApp::start(database).await;
    let alice = app.pushed("alice").await;
    let bob = Person {
        user: "bob".parse().unwrap(),
        phone: alice.phone.clone(),
    };
    app.enrol(&bob.phone, &bob.user).await;

    let path = format!(
        "/api/v1/users/alice/devices/{}/disconnect",
        alice.phone.device_id()
    );
    assert_eq!(administer(&app, "POST", &path).await.status, 204);

    assert_eq!(
        (enrolment(&app, &alice).await, enrolment(&app, &bob).await),
        (401, 200)
    );

    assert_eq!(
        administer(&app, "POST", &path).await.named(),
        (404, "not_found")
    );

    alice.phone.forget_device_token();

    alice
        .phone
        .device_token()
        .await
        .expect("the device stays registered");
}

async fn a_device_is_deleted_with_all_its_users(database: Database) {
    let app = TestApp::start(database).await;
    let alice = app.pushed("alice").await;
    let bob = Person {
        user: "bob".parse().unwrap(),
        phone: alice.phone.clone(),
    };
    app.enrol(&bob.phone, &bob.user).await;
    let device_token = alice.phone.device_token().await.unwrap();
    let path = format!("/api/v1/devices/{}", alice.phone.device_id());
    let dry = administer(&app, "DELETE", &format!("{path}?dry_run=true")).await;
    let expected = |dry_run| json!({ "device_id": alice.phone.device_id(), "dry_run": dry_run, "users": ["alice", "bob"] });
    assert_eq!((dry.status, &dry.json), (200, &expected(true)));

    assert_eq!(
        (enrolment(&app, &alice).await, enrolment(&app, &bob).await),
        (200, 200)
    );

    assert_eq!(
        administer(&app, "DELETE", &format!("{path}?dry_run=perhaps"))
            .await
            .named(),
        (400, "invalid_request")
    );

    let done = administer(&app, "DELETE", &path).await;
    assert_eq!((done.status, &done.json), (200, &expected(false)));

    assert_eq!(
        (enrolment(&app, &alice).await, enrolment(&app, &bob).await),
        (401, 401)
    );

    let listing = send(
        app.request("GET", "/device/v1/transactions")
            .bearer_auth(device_token.expose()),
    )
    .await;

    assert_eq!(listing.status, 401);

    assert_eq!(
        administer(&app, "DELETE", &path).await.named(),
        (404, "not_found")
    );
}

async fn a_client_and_a_resource_server_lose_their_tokens(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, bob) = (app.enrolled("alice").await, app.enrolled("bob").await);
    let one = format!("/api/v1/clients/{}/revoke-tokens", alice.phone.device_id());
    assert_eq!(administer(&app, "POST", &one).await.status, 204);

    assert_eq!(
        (enrolment(&app, &alice).await, enrolment(&app, &bob).await),
        (401, 200)
    );

    assert_eq!(
        administer(&app, "POST", "/api/v1/clients/bank/revoke-tokens")
            .await
            .status,
        204
    );

    assert_eq!(enrolment(&app, &bob).await, 401);

    for unknown in [
        "/api/v1/clients/nobody/revoke-tokens",
        "/api/v1/resource-servers/nothing/revoke-tokens",
    ] {
        assert_eq!(
            administer(&app, "POST", unknown).await.named(),
            (404, "not_found"),
            "{unknown}"
        );
    }
}
