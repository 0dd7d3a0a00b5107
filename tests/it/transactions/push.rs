use std::time::Duration;

use countersign::ids::{TransactionId, UserId};
use countersign::jose::PrivateJwk;
use countersign::phone::{AnswerClaims, Decision, FetchedTransaction, PushTransport};
use countersign::random::SystemRandom;
use serde_json::Value;

use super::START;
use crate::support::app::TestApp;
use crate::support::databases::{Database, on_both_databases};
use crate::support::people::Person;

on_both_databases!(
    a_push_is_fetched_and_accepted,
    a_device_denies_or_reports,
    a_wrong_signature_counts_and_is_never_accepted,
    an_answer_holds_for_its_transaction_only,
    a_final_transaction_takes_no_further_answer,
    a_long_poll_is_woken_by_a_start,
    a_website_waits_for_the_answer,
    with_several_devices_the_website_names_one,
    a_resend_pushes_again_until_the_limit,
);

impl TestApp {
    pub(crate) async fn start_push(&self, user: &UserId) -> String {
        let form = [
            ("type", "push"),
            ("user_id", user.as_str()),
            ("message", "Pay?"),
            ("secure_message", "Pay 100 to Bob"),
            ("signing_data", "amount=100"),
        ];

        self.start_ok(&form).await["transaction_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

async fn fetch(person: &Person, id: &str) -> FetchedTransaction {
    person.phone.fetch(id.parse().unwrap()).await.unwrap()
}

async fn a_push_is_fetched_and_accepted(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    let id = app.start_push(&person.user).await;
    let push = app.push.wait_for(1).await;
    assert_eq!(
        (
            push.transaction_id.unwrap().to_string(),
            push.message.expose()
        ),
        (id.clone(), "Pay?")
    );

    let pending = person.phone.pending(Duration::ZERO).await.unwrap();
    assert_eq!(pending.len(), 1);

    let fetched = fetch(&person, &id).await;
    assert_eq!(fetched.secure_message.as_deref(), Some("Pay 100 to Bob"));
    assert_eq!(fetched.signing_data.as_deref(), Some("amount=100"));
    assert_eq!(person.phone.accept(&fetched).await.unwrap(), "accepted");

    let result = app.result(&id).await;
    assert_eq!(
        (
            result["status"].as_str(),
            result["is_authenticated"].as_bool()
        ),
        (Some("accepted"), Some(true))
    );

    assert_eq!(result["authentication_method"], "push");

    assert!(
        person
            .phone
            .pending(Duration::ZERO)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_device_denies_or_reports(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    for (reason, decision) in [
        ("not_accepted", Decision::Deny),
        ("reported", Decision::Report),
    ] {
        let id = app.start_push(&person.user).await;
        let fetched = fetch(&person, &id).await;
        let answered = match decision {
            Decision::Deny => person.phone.deny(&fetched).await,
            _ => person.phone.report(&fetched).await,
        };
        assert_eq!(answered.unwrap(), "denied");
        let result = app.result(&id).await;
        assert_eq!(
            (
                result["status"].as_str(),
                result["is_authenticated"].as_bool()
            ),
            (Some("denied"), Some(false))
        );

        assert_eq!(result["not_authenticated_reason"]["reason"], reason);
    }
}

async fn a_wrong_signature_counts_and_is_never_accepted(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    let id = app.start_push(&person.user).await;
    let fetched = fetch(&person, &id).await;
    let transaction: TransactionId = id.parse().unwrap();
    let claims = AnswerClaims::new(
        transaction,
        Decision::Accept,
        &fetched.content_digest,
        app.clock.now(),
    );

    let stranger = claims
        .sign(&PrivateJwk::generate(&SystemRandom).unwrap())
        .unwrap();

    for left in [2, 1, 0] {
        let refused = person
            .phone
            .send_answer(transaction, "device", &stranger)
            .await
            .unwrap_err();

        assert_eq!(
            (refused.code(), refused.attempts_left()),
            (Some("invalid_answer"), Some(left))
        );
    }

    let genuine = claims.sign(person.phone.key()).unwrap();
    let refused = person
        .phone
        .send_answer(transaction, "device", &genuine)
        .await
        .unwrap_err();

    assert_eq!(refused.code(), Some("already_final"));

    assert_eq!(
        app.result(&id).await["not_authenticated_reason"]["reason"],
        "invalid_answer"
    );
}

async fn an_answer_holds_for_its_transaction_only(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    let (first, second) = (
        app.start_push(&person.user).await,
        app.start_push(&person.user).await,
    );
    let fetched = fetch(&person, &first).await;
    let (first, second): (TransactionId, TransactionId) =
        (first.parse().unwrap(), second.parse().unwrap());
    let claims = |digest: &str| AnswerClaims::new(first, Decision::Accept, digest, app.clock.now());
    let answer = async |id, authenticator, claims: &AnswerClaims| {
        let jws = claims.sign(person.phone.key()).unwrap();
        person
            .phone
            .send_answer(id, authenticator, &jws)
            .await
            .unwrap_err()
            .code()
            .unwrap()
            .to_owned()
    };

    assert_eq!(
        answer(second, "device", &claims(&fetched.content_digest)).await,
        "invalid_answer"
    );

    assert_eq!(
        answer(first, "device", &claims("other content")).await,
        "stale_digest"
    );

    assert_eq!(
        answer(first, "pin", &claims(&fetched.content_digest)).await,
        "wrong_authenticator"
    );

    // A phone whose clock is wrong uses up no attempts, however often it tries.
    for difference in [-3600, -301, 301, 86_400, i64::MAX / 2, i64::MIN / 2] {
        let wrong = AnswerClaims {
            iat: app.clock.now().as_secs().saturating_add(difference),
            ..claims(&fetched.content_digest)
        };
        assert_eq!(
            answer(first, "device", &wrong).await,
            "clock_skew",
            "{difference}"
        );
    }

    // Another device of the same user cannot answer it.
    let other = app.phone().await;
    let jws = claims(&fetched.content_digest).sign(other.key()).unwrap();
    assert_eq!(
        other
            .send_answer(first, "device", &jws)
            .await
            .unwrap_err()
            .code(),
        Some("not_found")
    );

    assert_eq!(person.phone.accept(&fetched).await.unwrap(), "accepted");
}

async fn a_final_transaction_takes_no_further_answer(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    let id = app.start_push(&person.user).await;
    let fetched = fetch(&person, &id).await;
    person.phone.deny(&fetched).await.unwrap();

    assert_eq!(
        person.phone.accept(&fetched).await.unwrap_err().code(),
        Some("already_final")
    );

    assert_eq!(app.status(&id).await, "denied");

    let late = app.start_push(&person.user).await;
    let fetched = fetch(&person, &late).await;
    app.clock.advance(Duration::from_secs(121));

    assert_eq!(
        person.phone.accept(&fetched).await.unwrap_err().code(),
        Some("expired")
    );

    assert_eq!(app.status(&late).await, "expired");
}

async fn a_long_poll_is_woken_by_a_start(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    let phone = person.phone.clone();

    // The clock stands still: only the start can end this wait.
    let poll = tokio::spawn(async move { phone.pending(Duration::from_secs(30)).await.unwrap() });
    app.start_push(&person.user).await;

    let pending = tokio::time::timeout(Duration::from_secs(20), poll)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(pending.len(), 1);
}

async fn a_website_waits_for_the_answer(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;

    // The answer may come before, while or after the website begins to wait, and time stands still.
    for _ in 0..20 {
        let id = app.start_push(&person.user).await;
        let fetched = fetch(&person, &id).await;
        let path = format!("/oauth/api/v4/authenticate/transaction/{id}?wait=60");

        let both = async { tokio::join!(app.get(&path).send(), person.phone.accept(&fetched)) };
        let (waited, answered) = tokio::time::timeout(Duration::from_secs(20), both)
            .await
            .expect("whoever waits is told");

        answered.unwrap();
        let result: Value = waited.unwrap().json().await.unwrap();
        assert_eq!(result["status"], "accepted");
    }

    // The wait also ends when the time is up.
    let id = app.start_push(&person.user).await;
    let waiting = app
        .get(&format!(
            "/oauth/api/v4/authenticate/transaction/{id}?wait=10"
        ))
        .send();

    let waited = app.while_time_passes(waiting).await;
    let result: Value = waited.unwrap().json().await.unwrap();
    assert_eq!(result["status"], "pending");
}

async fn with_several_devices_the_website_names_one(database: Database) {
    let app = TestApp::start_with(database, |settings, _| {
        let id = countersign::ids::ApplicationId::new("shop").unwrap();
        let bank = &settings.applications[&countersign::ids::ApplicationId::new("bank").unwrap()];
        let shop = countersign::settings::Application {
            id: id.clone(),
            ..(**bank).clone()
        };
        settings.applications.insert(id, shop.into());
    })
    .await;

    let person = app.pushed("alice").await;
    let profile = countersign::phone::PhoneProfile::new("shop", "1.0", "android");
    let second = countersign::phone::Phone::register(app.connection(), &profile)
        .await
        .unwrap();
    app.enrol(&second, &person.user).await;

    second
        .enrol_push(&person.user, PushTransport::Poll)
        .await
        .unwrap();

    let response = app
        .post_form(START, &[("type", "push"), ("user_id", "alice")])
        .send()
        .await
        .unwrap();

    assert_eq!(response.status(), 400);

    let form = [
        ("type", "push"),
        ("user_id", "alice"),
        ("device_id", second.device_id().as_str()),
    ];

    app.start_ok(&form).await;
    assert_eq!(second.pending(Duration::ZERO).await.unwrap().len(), 1);

    assert!(
        person
            .phone
            .pending(Duration::ZERO)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_resend_pushes_again_until_the_limit(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    let id = app.start_push(&person.user).await;
    let resend = async || {
        let path = format!("/oauth/api/v4/authenticate/transaction/{id}/resend");
        app.post_form(&path, &[])
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };

    assert_eq!(resend().await, 204);

    let (first, again) = (app.push.wait_for(1).await, app.push.wait_for(2).await);
    assert_eq!(first.transaction_id, again.transaction_id);
    assert_eq!(first.message.expose(), again.message.expose());
    assert_eq!(resend().await, 403);

    let fetched = fetch(&person, &id).await;
    person.phone.accept(&fetched).await.unwrap();
    assert_eq!(resend().await, 409);
}
