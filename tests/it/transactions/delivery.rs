use countersign::egress::{Cause, FailureKind, ProviderFailure};
use std::time::Duration;

use serde_json::Value;

use super::{PHONE_NUMBER, START};
use crate::support::app::{Provider, TestApp, WEBSITE};
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    a_temporary_failure_is_retried_within_the_start,
    a_final_refusal_fails_the_start,
    a_slow_provider_delays_the_answer_three_seconds_at_most,
    nothing_is_pushed_to_a_dead_address,
    a_start_that_is_refused_leaves_nothing_behind,
    servers_that_look_at_a_transaction_do_not_deliver_it_again,
    a_server_that_cannot_reach_the_provider_does_not_fail_what_another_delivered,
    what_may_have_been_taken_is_sent_twice_at_most,
    however_often_servers_end_a_message_in_doubt_is_sent_twice_at_most,
    nothing_is_sent_after_the_end,
    nothing_is_sent_too_late_to_be_of_use,
    a_resend_that_was_acknowledged_is_sent_after_a_restart,
    what_was_delivered_is_not_sent_again_after_a_restart,
);

fn failure(kind: FailureKind) -> ProviderFailure {
    ProviderFailure {
        provider: "test",
        kind,
        cause: Cause::Answered,
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

    // The server restarts while it is still trying, and the next one goes on: what was acknowledged
    // is not lost.
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

/// Passes more time than any lease and any pause takes. Nothing more is sent.
async fn is_owed_no_more(app: &TestApp, attempts: usize) {
    app.pass(Duration::from_secs(70)).await;
    assert_eq!(app.sms.attempts(), attempts);
}

async fn a_start_that_is_refused_leaves_nothing_behind(database: Database) {
    let app = TestApp::start_with(database, |_, limits| limits.live_transactions_max = 1).await;
    let person = app.pushed("alice").await;
    let (id, _) = app.start_sms("alice").await;

    let with_key = |form| {
        app.post_form(START, form)
            .header("Idempotency-Key", "the-key")
            .send()
    };
    assert_eq!(with_key(&PUSH).await.unwrap().status(), 503);
    assert!(
        person
            .phone
            .pending(Duration::ZERO)
            .await
            .unwrap()
            .is_empty()
    );

    // The key was not used up, either.
    let path = format!("/oauth/api/v4/authenticate/transaction/{id}");
    let cancelled = app
        .request("DELETE", &path)
        .basic_auth(WEBSITE.0, Some(WEBSITE.1));
    assert_eq!(cancelled.send().await.unwrap().status(), 204);

    let started = with_key(&PUSH).await.unwrap();
    assert_eq!(started.status(), 200);
    assert!(!started.headers().contains_key("idempotent-replayed"));
    assert_eq!(app.push.accepted().len(), 1);
}

async fn servers_that_look_at_a_transaction_do_not_deliver_it_again(database: Database) {
    let app = TestApp::start(database).await;
    app.sms.hold();
    let (status, body) = app.while_time_passes(start(&app, &SMS)).await;
    assert_eq!(status, 200, "{body}");

    // A second server waits for the result, verifies a code, and restarts.
    let id = body["transaction_id"].as_str().unwrap();
    for _ in 0..2 {
        let other = app.beside().await;
        let path = format!("/oauth/api/v4/authenticate/transaction/{id}?wait=1");
        let waiting = async { other.get(&path).send().await.unwrap().status() };
        assert_eq!(app.while_time_passes(waiting).await, 200);
        assert_eq!(other.verify("alice", id, "abcdef").await.0, 404);
    }

    app.sms.release();
    app.sms.wait_for(1).await;
    is_owed_no_more(&app, 1).await;
    assert_eq!(app.sms.accepted().len(), 1);
}

async fn a_server_that_cannot_reach_the_provider_does_not_fail_what_another_delivered(
    database: Database,
) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;

    // A configuration that has just been broken.
    app.sms.fail([
        failure(FailureKind::Configuration),
        failure(FailureKind::Configuration),
    ]);
    let other = app.beside().await;
    assert_eq!(other.status(&id).await, "pending");
    is_owed_no_more(&app, 1).await;
    assert_eq!(other.verify("alice", &id, &code).await.0, 200);
}

async fn what_may_have_been_taken_is_sent_twice_at_most(database: Database) {
    let app = TestApp::start(database).await;
    app.pushed("alice").await;
    app.sms.lose_answers(100);
    app.push.lose_answers(100);

    for form in [&SMS[..], &PUSH[..]] {
        let (status, body) = app.while_time_passes(start(&app, form)).await;
        assert_eq!(status, 200, "{body}");
    }

    is_owed_no_more(&app, 2).await;
    assert_eq!(app.push.attempts(), 2);

    // The user has the code: it is good.
    let id = start_id(&app).await;
    let code = app.sms.wait_for(3).await.code.expose().to_owned();
    assert_eq!(app.verify("alice", &id, &code).await.0, 200);

    // And nothing follows the right code.
    let attempts = app.sms.attempts();
    is_owed_no_more(&app, attempts).await;
}

/// Starts a transaction and returns its id without waiting for the message.
async fn start_id(app: &TestApp) -> String {
    let (status, body) = app.while_time_passes(start(app, &SMS)).await;
    assert_eq!(status, 200, "{body}");
    body["transaction_id"].as_str().unwrap().to_owned()
}

async fn however_often_servers_end_a_message_in_doubt_is_sent_twice_at_most(database: Database) {
    let mut app = TestApp::start(database).await;
    app.sms.hold();
    start_id(&app).await;

    // Each server ends while the provider has the message and has not answered.
    for _ in 0..3 {
        app = app.restart().await;
        app.pass(Duration::from_secs(5)).await;
    }

    assert_eq!(app.sms.attempts(), 2);
    app.sms.release();
}

async fn nothing_is_sent_after_the_end(database: Database) {
    let app = TestApp::start(database).await;
    app.pushed("alice").await;

    for form in [&SMS[..], &PUSH[..]] {
        app.sms.fail((0..8).map(|_| failure(TEMPORARY)));
        app.push.fail((0..8).map(|_| failure(TEMPORARY)));
        let (status, body) = app.while_time_passes(start(&app, form)).await;
        assert_eq!(status, 200, "{body}");

        let id = body["transaction_id"].as_str().unwrap();
        let path = format!("/oauth/api/v4/authenticate/transaction/{id}");
        let cancel = app
            .request("DELETE", &path)
            .basic_auth(WEBSITE.0, Some(WEBSITE.1));
        assert_eq!(cancel.send().await.unwrap().status(), 204);

        app.pass(Duration::from_secs(70)).await;
        assert!(app.sms.accepted().is_empty() && app.push.accepted().is_empty());
    }
}

async fn nothing_is_sent_too_late_to_be_of_use(database: Database) {
    let app = TestApp::start(database).await;

    // It could be sent two seconds before the deadline.
    let after = Some(Duration::from_secs(118));
    app.sms.fail([failure(FailureKind::Retry { after })]);
    let (status, body) = start(&app, &SMS).await;
    assert_eq!((status, body["error_code"].as_str()), (503, Some("3002")));

    app.pass(Duration::from_secs(125)).await;
    assert_eq!(app.sms.attempts(), 1);
}

async fn a_resend_that_was_acknowledged_is_sent_after_a_restart(database: Database) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;

    app.sms.hold();
    let path = format!("{START}/alice/sms/resend");
    let resent = async {
        let form = [("transaction_id", id.as_str())];
        app.post_form(&path, &form).send().await.unwrap().status()
    };
    assert_eq!(app.while_time_passes(resent).await, 204);

    let app = app.restart().await;
    app.sms.release();
    let again = app.while_time_passes(app.sms.wait_for(2)).await;
    assert_eq!(again.code.expose(), code);
}

async fn what_was_delivered_is_not_sent_again_after_a_restart(database: Database) {
    let app = TestApp::start(database).await;
    app.pushed("alice").await;
    app.start_sms("alice").await;
    app.start_ok(&PUSH).await;

    let app = app.restart().await;
    is_owed_no_more(&app, 1).await;
    assert_eq!(app.push.attempts(), 1);
}
