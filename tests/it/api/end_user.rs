//! Portals, which list and remove what users have, and the revocation endpoint.

use std::time::Duration;

use countersign::store::queries;
use countersign::store::rows::ConsentRow;
use serde_json::json;

use super::UNKNOWN;
use crate::support::app::{PORTAL, TestApp};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::{Answer, send};
use crate::support::people::Person;

on_both_databases!(
    a_portal_lists_tokens,
    a_portal_revokes_a_token_and_its_refresh_token,
    a_portal_revokes_all_tokens,
    a_portal_withdraws_a_consent_and_revokes_its_tokens,
    a_client_revokes_a_token,
    unknown_tokens_and_those_of_others_get_the_same_response,
);

async fn portal(app: &TestApp, method: &str, path: &str) -> Answer {
    let request = app.request(method, &format!("/oauth/api/v1/users/{path}"));
    send(request.basic_auth(PORTAL.0, Some(PORTAL.1))).await
}

async fn is_logged_in(app: &TestApp, person: &Person) -> bool {
    let token = person.phone.user_token(&person.user).await.unwrap();
    send(
        app.request("GET", "/device/v1/enrolment")
            .bearer_auth(token.expose()),
    )
    .await
    .status
        == 200
}

async fn a_portal_lists_tokens(database: Database) {
    let app = TestApp::start(database).await;
    let none = portal(&app, "GET", "alice/tokens").await;
    assert_eq!(
        (none.status, none.json),
        (404, json!({ "error": "No tokens found" }))
    );

    app.enrolled("alice").await;
    app.enrolled("bob").await;
    let mut shown = portal(&app, "GET", "alice/tokens").await;
    assert_eq!(shown.status, 200);

    let id = shown.json["tokens"][0]["id"].take();
    assert_eq!(id.as_str().unwrap().len(), 36);

    let expected = json!({
        "id": null, "client_name": "Demo Bank", "device_name": "A phone", "created_at": 1_800_000_000_000_i64,
        "scopes": ["device", "user"], "type": "DEFAULT", "refresh_token_issued": true, "expired": false,
    });
    assert_eq!(shown.json, json!({ "tokens": [expected] }));

    app.clock.advance(Duration::from_secs(900));
    let expired = portal(&app, "GET", "alice/tokens").await;
    assert_eq!(
        expired.status, 404,
        "the token has expired and has no refresh token: {expired:?}"
    );
}

async fn a_portal_revokes_a_token_and_its_refresh_token(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, bob) = (app.enrolled("alice").await, app.enrolled("bob").await);
    let shown = portal(&app, "GET", "alice/tokens").await;
    let id = shown.json["tokens"][0]["id"].as_str().unwrap();
    for path in [
        format!("bob/tokens/{id}"),
        format!("alice/tokens/{UNKNOWN}"),
        "alice/tokens/x".to_owned(),
    ] {
        assert_eq!(portal(&app, "DELETE", &path).await.status, 204, "{path}");
    }

    assert!(is_logged_in(&app, &alice).await && is_logged_in(&app, &bob).await);

    assert_eq!(
        portal(&app, "DELETE", &format!("alice/tokens/{id}"))
            .await
            .status,
        204
    );

    assert!(!is_logged_in(&app, &alice).await && is_logged_in(&app, &bob).await);
    assert_eq!(portal(&app, "GET", "alice/tokens").await.status, 404);
}

async fn a_portal_revokes_all_tokens(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, bob) = (app.enrolled("alice").await, app.enrolled("bob").await);
    assert_eq!(portal(&app, "DELETE", "alice/tokens").await.status, 204);
    assert_eq!(portal(&app, "DELETE", "nobody/tokens").await.status, 204);
    assert!(!is_logged_in(&app, &alice).await && is_logged_in(&app, &bob).await);
}

async fn a_portal_withdraws_a_consent_and_revokes_its_tokens(database: Database) {
    let app = TestApp::start(database).await;
    let none = portal(&app, "GET", "alice/consents").await;
    assert_eq!(
        (none.status, none.json),
        (404, json!({ "error": "No consents found" }))
    );

    let (alice, bob) = (app.enrolled("alice").await, app.enrolled("bob").await);
    for (number, user) in ["alice", "bob"].into_iter().enumerate() {
        let row = ConsentRow {
            id: vec![u8::try_from(number).unwrap(); 16],
            user_id: user.to_owned(),
            client: "bank".to_owned(),
            scope: "device user".to_owned(),
            created_at: 0,
            updated_at: 0,
        };

        let give =
            move |connection: &mut _| Ok(queries::consents::replace_consent(connection, &row)?);
        app.app
            .base
            .store
            .write::<_, countersign::store::StoreError, _>(give)
            .await
            .unwrap();
    }

    let shown = portal(&app, "GET", "alice/consents").await;
    let id = "00000000-0000-0000-0000-000000000000";
    let expected = json!([{ "id": id, "client_name": "Demo Bank", "scopes": ["device", "user"] }]);
    assert_eq!((shown.status, &shown.json["consents"]), (200, &expected));

    for path in [
        format!("bob/consents/{id}"),
        format!("alice/consents/{UNKNOWN}"),
        "alice/consents/x".to_owned(),
    ] {
        assert_eq!(portal(&app, "DELETE", &path).await.status, 204, "{path}");
    }

    assert!(is_logged_in(&app, &alice).await);

    assert_eq!(
        portal(&app, "DELETE", &format!("alice/consents/{id}"))
            .await
            .status,
        204
    );

    assert!(!is_logged_in(&app, &alice).await && is_logged_in(&app, &bob).await);
    assert_eq!(portal(&app, "GET", "alice/consents").await.status, 404);
    assert_eq!(portal(&app, "GET", "bob/consents").await.status, 200);
}

/// A request of a device to the revocation endpoint.
fn revoke(app: &TestApp, by: &Person, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let assertion = by.phone.client_assertion().unwrap();
    let mut all = vec![
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", &assertion),
    ];

    all.extend(form);

    app.request("POST", "/oauth/revoke").form(&all)
}

async fn a_client_revokes_a_token(database: Database) {
    let app = TestApp::start(database).await;
    let alice = app.enrolled("alice").await;

    assert_eq!(
        send(app.request("GET", "/oauth/revoke")).await.named(),
        (405, "method_not_allowed")
    );

    assert_eq!(
        send(revoke(&app, &alice, &[])).await.named(),
        (400, "invalid_request")
    );

    assert_eq!(
        send(revoke(&app, &alice, &[("token", "x"), ("token", "x")]))
            .await
            .named(),
        (400, "invalid_request")
    );

    let nobody = send(app.request("POST", "/oauth/revoke").form(&[("token", "x")])).await;
    assert_eq!(nobody.named(), (401, "invalid_client"));

    let token = alice.phone.user_token(&alice.user).await.unwrap();
    let form = [
        ("token", token.expose()),
        ("token_type_hint", "refresh_token"),
    ];
    let revoked = send(revoke(&app, &alice, &form)).await;
    assert_eq!(
        (revoked.status, revoked.json),
        (200, serde_json::Value::Null)
    );

    assert!(
        !is_logged_in(&app, &alice).await,
        "a wrong hint changes nothing"
    );
}

async fn unknown_tokens_and_those_of_others_get_the_same_response(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, mallory) = (app.enrolled("alice").await, app.enrolled("mallory").await);
    let token = alice.phone.user_token(&alice.user).await.unwrap();
    let mut answers = Vec::new();
    for token in [token.expose(), &token.expose().to_lowercase(), "x"] {
        let request = revoke(&app, &mallory, &[("token", token)]).header("x-request-id", "same");
        let response = request.send().await.unwrap();
        let mut headers = response.headers().clone();
        headers.remove("date");

        answers.push((
            response.status(),
            format!("{headers:?}"),
            response.bytes().await.unwrap(),
        ));
    }

    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );

    assert!(is_logged_in(&app, &alice).await);
}
