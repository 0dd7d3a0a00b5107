use std::time::Duration;

use super::{PHONE_NUMBER, START, wrong};
use crate::support::app::{OTHER_WEBSITE, TestApp, WEBSITE};
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    the_right_code_is_accepted_once,
    wrong_codes_count_to_the_maximum,
    a_code_is_refused_after_the_deadline,
    a_resend_brings_the_same_code_until_the_limit,
    a_transaction_belongs_to_its_website_and_user,
    a_cancelled_transaction_takes_no_code,
    the_message_is_made_as_configured,
);

async fn the_right_code_is_accepted_once(database: Database) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;
    assert_eq!(app.status(&id).await, "pending");
    assert_eq!(app.verify("alice", &id, &code).await.0, 200);

    let result = app.result(&id).await;
    assert_eq!(
        (
            result["status"].as_str(),
            result["is_authenticated"].as_bool()
        ),
        (Some("accepted"), Some(true))
    );

    assert_eq!(result["user_id"], "alice");

    assert_eq!(
        app.verify("alice", &id, &code).await,
        (404, "3004".to_owned())
    );
}

async fn wrong_codes_count_to_the_maximum(database: Database) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;
    for left in [2, 1, 0] {
        let form = [("transaction_id", id.as_str()), ("sms_code", &wrong(&code))];
        let response = app
            .post_form(&format!("{START}/alice/sms"), &form)
            .send()
            .await
            .unwrap();

        assert_eq!(response.status(), 404);
        let body: serde_json::Value = response.json().await.unwrap();
        assert_eq!(
            (body["error_code"].as_str(), body["attempts_left"].as_u64()),
            (Some("3003"), Some(left))
        );
    }

    assert_eq!(
        app.verify("alice", &id, &code).await,
        (404, "3004".to_owned())
    );

    let result = app.result(&id).await;
    assert_eq!(
        (
            result["status"].as_str(),
            result["not_authenticated_reason"]["reason"].as_str()
        ),
        (Some("failed"), Some("invalid_answer"),)
    );
}

async fn a_code_is_refused_after_the_deadline(database: Database) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;
    app.clock.advance(Duration::from_secs(120));

    assert_eq!(
        app.verify("alice", &id, &code).await,
        (404, "3004".to_owned())
    );

    assert_eq!(app.status(&id).await, "expired");
}

async fn a_resend_brings_the_same_code_until_the_limit(database: Database) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;
    let resend = async |app: &TestApp| {
        let response = app
            .post_form(
                &format!("{START}/alice/sms/resend"),
                &[("transaction_id", &id)],
            )
            .send()
            .await
            .unwrap();

        response.status().as_u16()
    };

    assert_eq!(resend(&app).await, 204);
    assert_eq!(app.sms.wait_for(2).await.code.expose(), code);
    assert_eq!(resend(&app).await, 403);

    // After a restart the limit and the code are still the same.
    let app = app.restart().await;
    assert_eq!(resend(&app).await, 403);
    assert_eq!(app.verify("alice", &id, &code).await.0, 200);
    assert_eq!(resend(&app).await, 404);
}

async fn a_transaction_belongs_to_its_website_and_user(database: Database) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;
    let form = [("transaction_id", id.as_str()), ("sms_code", &code)];

    let stranger = app
        .request("POST", &format!("{START}/alice/sms"))
        .basic_auth(OTHER_WEBSITE.0, Some(OTHER_WEBSITE.1));
    assert_eq!(stranger.form(&form).send().await.unwrap().status(), 404);

    assert_eq!(
        app.verify("mallory", &id, &code).await,
        (404, "3004".to_owned())
    );

    let path = format!("/oauth/api/v4/authenticate/transaction/{id}");
    for method in ["GET", "DELETE"] {
        let stranger = app
            .request(method, &path)
            .basic_auth(OTHER_WEBSITE.0, Some(OTHER_WEBSITE.1));
        assert_eq!(stranger.send().await.unwrap().status(), 404, "{method}");
    }

    // None of these attempts counted.
    assert_eq!(app.verify("alice", &id, &code).await.0, 200);
}

async fn a_cancelled_transaction_takes_no_code(database: Database) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;
    let cancel = async || {
        let request = app.request(
            "DELETE",
            &format!("/oauth/api/v4/authenticate/transaction/{id}"),
        );
        let request = request.basic_auth(WEBSITE.0, Some(WEBSITE.1));
        request.send().await.unwrap().status().as_u16()
    };

    assert_eq!(cancel().await, 204);
    assert_eq!(cancel().await, 409);

    assert_eq!(
        app.verify("alice", &id, &code).await,
        (404, "3004".to_owned())
    );

    assert_eq!(
        app.result(&id).await["not_authenticated_reason"]["reason"],
        "cancelled"
    );
}

async fn the_message_is_made_as_configured(database: Database) {
    let app = TestApp::start_with(database, |settings, _| {
        let mut sms = (*settings.authentication_types["sms"]).clone();
        sms.web_origin = Some("portal.example".to_owned());
        settings
            .authentication_types
            .insert("sms".to_owned(), sms.into());
    })
    .await;

    let (_, code) = app.start_sms("alice").await;
    let text = app.sms.wait_for(1).await.text.expose().to_owned();
    assert_eq!(text, format!("Your code: {code}\n@portal.example #{code}"));

    app.start_ok(&[
        ("type", "sms"),
        ("user_id", "alice"),
        ("phone_number", PHONE_NUMBER),
        ("language_code", "nl"),
    ])
    .await;

    let bare = app.sms.wait_for(2).await;
    assert_eq!(
        bare.text.expose(),
        format!("{0}\n@portal.example #{0}", bare.code.expose())
    );
}
