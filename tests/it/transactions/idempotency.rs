use reqwest::Response;

use countersign::egress::{Cause, FailureKind, ProviderFailure};

use super::{PHONE_NUMBER, START};
use crate::support::app::{OTHER_WEBSITE, TestApp};
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    a_repeated_start_gives_the_first_answer_and_no_second_message,
    another_body_is_refused_and_another_website_has_its_own_keys,
    a_repeated_resend_sends_nothing,
    an_answer_is_replayed_as_soon_as_it_was_given,
    a_stored_failure_is_replayed,
    parallel_requests_start_one_transaction,
);

const FORM: [(&str, &str); 3] = [
    ("type", "sms"),
    ("user_id", "alice"),
    ("phone_number", PHONE_NUMBER),
];

async fn send(app: &TestApp, path: &str, key: &str, form: &[(&str, &str)]) -> Response {
    app.post_form(path, form)
        .header("Idempotency-Key", key)
        .send()
        .await
        .unwrap()
}

fn is_replayed(response: &Response) -> bool {
    response
        .headers()
        .get("idempotent-replayed")
        .is_some_and(|value| value == "true")
}

async fn a_repeated_start_gives_the_first_answer_and_no_second_message(database: Database) {
    let app = TestApp::start(database).await;
    for form in [&FORM[..], &[("type", "otp")]] {
        let key = format!("key-of-{}", form.len());
        let first = send(&app, START, &key, form).await;
        assert_eq!((first.status().as_u16(), is_replayed(&first)), (200, false));
        let first = first.text().await.unwrap();
        let again = send(&app, START, &key, form).await;
        assert_eq!((again.status().as_u16(), is_replayed(&again)), (200, true));
        assert_eq!(again.text().await.unwrap(), first);
    }

    let app = app.restart().await;
    let after_restart = send(&app, START, "key-of-3", &FORM).await;
    assert!(is_replayed(&after_restart));
    assert_eq!(app.sms.accepted().len(), 1);
}

async fn another_body_is_refused_and_another_website_has_its_own_keys(database: Database) {
    let app = TestApp::start(database).await;
    assert_eq!(send(&app, START, "key", &FORM).await.status(), 200);

    let changed = [
        ("type", "sms"),
        ("user_id", "bob"),
        ("phone_number", PHONE_NUMBER),
    ];

    assert_eq!(send(&app, START, "key", &changed).await.status(), 422);

    let other = app
        .request("POST", START)
        .basic_auth(OTHER_WEBSITE.0, Some(OTHER_WEBSITE.1))
        .form(&changed);
    let other = other.header("Idempotency-Key", "key").send().await.unwrap();
    assert_eq!((other.status().as_u16(), is_replayed(&other)), (200, false));
}

async fn a_repeated_resend_sends_nothing(database: Database) {
    let app = TestApp::start(database).await;
    let (id, _) = app.start_sms("alice").await;
    let path = format!("{START}/alice/sms/resend");
    let form = [("transaction_id", id.as_str())];
    let first = send(&app, &path, "again", &form).await;
    assert_eq!((first.status().as_u16(), is_replayed(&first)), (204, false));
    app.sms.wait_for(2).await;
    let again = send(&app, &path, "again", &form).await;
    assert_eq!((again.status().as_u16(), is_replayed(&again)), (204, true));
    assert_eq!(app.sms.accepted().len(), 2);
    assert_eq!(send(&app, &path, "another", &form).await.status(), 403);
}

/// While it is being recorded how the message stands.
async fn an_answer_is_replayed_as_soon_as_it_was_given(database: Database) {
    let app = TestApp::start(database).await;

    let websites = (0..16).map(|website| {
        let app = &app;
        async move {
            for number in 0..12 {
                let key = format!("{website}-{number}");
                let first = send(app, START, &key, &FORM).await;
                assert_eq!((first.status().as_u16(), is_replayed(&first)), (200, false));

                let again = send(app, START, &key, &FORM).await;
                assert_eq!((again.status().as_u16(), is_replayed(&again)), (200, true));
            }
        }
    });

    futures_util::future::join_all(websites).await;
}

async fn a_stored_failure_is_replayed(database: Database) {
    let app = TestApp::start(database).await;
    app.sms.fail([ProviderFailure {
        provider: "test",
        kind: FailureKind::Blocked,
        cause: Cause::Answered,
        detail: "on purpose".into(),
    }]);

    assert_eq!(send(&app, START, "key", &FORM).await.status(), 503);

    let again = send(&app, START, "key", &FORM).await;
    assert_eq!((again.status().as_u16(), is_replayed(&again)), (503, true));

    // A request that was refused before anything happened is not replayed.
    let missing = [("type", "sms"), ("user_id", "alice")];

    for _ in 0..2 {
        let refused = send(&app, START, "other-key", &missing).await;
        assert_eq!(
            (refused.status().as_u16(), is_replayed(&refused)),
            (400, false)
        );
    }
}

async fn parallel_requests_start_one_transaction(database: Database) {
    let app = TestApp::start(database).await;
    let requests = (0..8).map(|_| send(&app, START, "key", &FORM));
    let mut statuses: Vec<_> = futures_util::future::join_all(requests)
        .await
        .iter()
        .map(|response| response.status().as_u16())
        .collect();

    statuses.sort_unstable();

    assert!(
        statuses.contains(&200) && statuses.iter().all(|status| [200, 409].contains(status)),
        "{statuses:?}"
    );

    assert_eq!(app.sms.accepted().len(), 1);
}
