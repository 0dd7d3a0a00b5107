use countersign::egress::{FailureKind, ProviderFailure};
use serde_json::Value;

use super::{PHONE_NUMBER, START};
use crate::support::app::{Provider, TestApp};
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    a_temporary_failure_is_retried_within_the_start,
    a_final_refusal_fails_the_start,
    a_slow_provider_delays_the_answer_three_seconds_at_most,
    nothing_is_pushed_to_a_dead_address,
);

fn failure(kind: FailureKind) -> ProviderFailure {
    ProviderFailure {
        provider: "test",
        kind,
        detail: "on purpose".into(),
    }
}

const TEMPORARY: FailureKind = FailureKind::Retry { after: None };

async fn start(app: &TestApp, form: &[(&str, &str)]) -> (u16, Value) {
    let response = app.post_form(START, form).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

const SMS: [(&str, &str); 3] = [
    ("type", "sms"),
    ("user_id", "alice"),
    ("phone_number", PHONE_NUMBER),
];
const PUSH: [(&str, &str); 2] = [("type", "push"), ("user_id", "alice")];

async fn a_temporary_failure_is_retried_within_the_start(database: Database) {
    let app = TestApp::start(database).await;
    app.pushed("alice").await;
    app.sms.fail([failure(TEMPORARY), failure(TEMPORARY)]);
    app.push.fail([failure(TEMPORARY), failure(TEMPORARY)]);

    for form in [&SMS[..], &PUSH[..]] {
        let (status, body) = app.while_time_passes(start(&app, form)).await;
        assert_eq!(status, 200, "{body}");
    }

    // On a busy machine the three seconds may be over before the third attempt.
    app.while_time_passes(async { (app.sms.wait_for(1).await, app.push.wait_for(1).await) })
        .await;

    assert_eq!(
        (app.sms.accepted().len(), app.push.accepted().len()),
        (1, 1)
    );
}

async fn a_final_refusal_fails_the_start(database: Database) {
    let app = TestApp::start(database).await;
    app.pushed("alice").await;

    for kind in [FailureKind::Blocked, FailureKind::Configuration] {
        app.sms.fail([failure(kind)]);
        let (status, body) = start(&app, &SMS).await;
        assert_eq!(
            (status, body["error_code"].as_str()),
            (503, Some("3002")),
            "{body}"
        );

        app.push.fail([failure(kind)]);
        let (status, body) = start(&app, &PUSH).await;
        assert_eq!(
            (status, body["error_code"].as_str()),
            (503, Some("1002")),
            "{body}"
        );
    }

    assert!(app.sms.accepted().is_empty() && app.push.accepted().is_empty());
}

async fn a_slow_provider_delays_the_answer_three_seconds_at_most(database: Database) {
    let app = TestApp::start(database).await;
    app.sms.hold();
    let (status, body) = app.while_time_passes(start(&app, &SMS)).await;
    assert_eq!(status, 200, "{body}");

    let id = body["transaction_id"].as_str().unwrap().to_owned();

    // The server restarts while it is still trying, and goes on: what it has acknowledged is not
    // lost.
    let app = app.restart().await;
    app.sms.release();

    let code = app
        .while_time_passes(app.sms.wait_for(1))
        .await
        .code
        .expose()
        .to_owned();

    assert_eq!(app.verify("alice", &id, &code).await.0, 200);
}

async fn nothing_is_pushed_to_a_dead_address(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    app.push
        .fail([failure(FailureKind::DeadAddress { since: None })]);
    assert_eq!(start(&app, &PUSH).await.0, 503);

    // The user cannot be asked any more, and the dead address is not tried again.
    assert_eq!(start(&app, &PUSH).await.0, 404);
    assert_eq!(pushed(&app.push), 0);

    let token = countersign::secret::SecretString::new("a-new-token".to_owned());
    person.phone.replace_push_token(&token).await.unwrap();
    assert_eq!(start(&app, &PUSH).await.0, 200);
    assert_eq!(pushed(&app.push), 1);
}

fn pushed(provider: &Provider<countersign::push::PushMessage>) -> usize {
    provider.accepted().len()
}
