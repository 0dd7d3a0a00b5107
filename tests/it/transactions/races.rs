use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;

use super::{START, wrong};
use crate::support::app::{TestApp, WEBSITE};
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    parallel_guesses_get_no_more_than_the_allowed_attempts,
    two_servers_on_one_database_count_together,
    two_answers_at_once_have_one_winner,
    a_panicking_actor_hurts_nobody,
    past_the_limit_a_start_is_refused_until_there_is_room,
    an_attempt_counts_even_if_the_caller_hangs_up,
    what_another_server_changed_is_looked_up_before_a_refusal,
    whoever_waits_hears_of_what_happens_on_another_server,
    those_who_have_gone_take_nobodys_place,
);

/// Sends 30 wrong codes and the right one in parallel. Returns how often each answer was given.
async fn guess(
    app: &TestApp,
    other: &TestApp,
    id: &str,
    code: &str,
) -> HashMap<(u16, String), usize> {
    let mut codes = vec![wrong(code); 30];
    codes.insert(15, code.to_owned());

    let guesses = codes.iter().enumerate().map(|(index, guess)| {
        let app = if index % 2 == 0 { app } else { other };
        app.verify("alice", id, guess)
    });

    let mut answers = HashMap::new();
    for answer in join_all(guesses).await {
        *answers.entry(answer).or_insert(0) += 1;
    }

    answers
}

fn check(answers: &HashMap<(u16, String), usize>) {
    let evaluated_wrong = answers.get(&(404, "3003".to_owned())).copied().unwrap_or(0);
    let right = answers.get(&(200, String::new())).copied().unwrap_or(0);
    assert!(right <= 1 && evaluated_wrong <= 3, "{answers:?}");

    // Either the right code was among the first, or wrong ones used up the attempts.
    assert!(right == 1 || evaluated_wrong == 3, "{answers:?}");
    assert_eq!(answers.values().sum::<usize>(), 31, "{answers:?}");
}

async fn parallel_guesses_get_no_more_than_the_allowed_attempts(database: Database) {
    let app = TestApp::start(database).await;
    for _ in 0..10 {
        let (id, code) = app.start_sms("alice").await;
        let answers = guess(&app, &app, &id, &code).await;
        check(&answers);
        let accepted = answers.contains_key(&(200, String::new()));
        assert_eq!(
            app.status(&id).await,
            if accepted { "accepted" } else { "failed" }
        );
    }
}

async fn two_servers_on_one_database_count_together(database: Database) {
    let app = TestApp::start(database).await;
    let other = app.beside().await;
    for _ in 0..5 {
        let (id, code) = app.start_sms("alice").await;
        check(&guess(&app, &other, &id, &code).await);
        assert_eq!(app.status(&id).await, other.status(&id).await);
    }
}

async fn two_answers_at_once_have_one_winner(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    for _ in 0..5 {
        let started = app
            .start_ok(&[("type", "push"), ("user_id", "alice")])
            .await;
        let id = started["transaction_id"].as_str().unwrap();
        let fetched = person.phone.fetch(id.parse().unwrap()).await.unwrap();

        let cancel = app.request(
            "DELETE",
            &format!("/oauth/api/v4/authenticate/transaction/{id}"),
        );
        let cancel = cancel.basic_auth(WEBSITE.0, Some(WEBSITE.1)).send();
        let (accepted, denied, cancelled) = tokio::join!(
            person.phone.accept(&fetched),
            person.phone.deny(&fetched),
            cancel
        );

        let cancelled = cancelled.unwrap().status() == 204;
        let winners = [accepted.is_ok(), denied.is_ok(), cancelled];
        assert_eq!(winners.iter().filter(|won| **won).count(), 1, "{winners:?}");
        let expected = ["accepted", "denied", "cancelled"];
        let winner = winners.iter().position(|won| *won).unwrap();
        assert_eq!(app.status(id).await, expected[winner]);
    }
}

async fn a_panicking_actor_hurts_nobody(database: Database) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;
    let (other_id, other_code) = app.start_sms("bob").await;

    // The event of a wrong answer takes randomness on the actor's thread, before anything is saved.
    app.random.panic_once();

    assert_eq!(
        app.verify("alice", &id, &wrong(&code)).await,
        (404, "3003".to_owned()),
        "rebuilt and asked again"
    );

    assert_eq!(app.verify("bob", &other_id, &other_code).await.0, 200);
    assert_eq!(app.verify("alice", &id, &wrong(&code)).await.0, 404);
    assert_eq!(app.verify("alice", &id, &wrong(&code)).await.0, 404);

    // Exactly three wrong answers were counted.
    assert_eq!(
        app.verify("alice", &id, &code).await,
        (404, "3004".to_owned())
    );

    assert!(
        app.app
            .base
            .metrics
            .render()
            .contains("actor_panics_total{actor=\"transaction\"} 1")
    );
}

async fn past_the_limit_a_start_is_refused_until_there_is_room(database: Database) {
    let app = TestApp::start_with(database, |_, limits| limits.live_transactions_max = 1).await;
    let (id, code) = app.start_sms("alice").await;

    let form = [
        ("type", "sms"),
        ("user_id", "bob"),
        ("phone_number", "+15055551235"),
    ];

    let refused = app.post_form(START, &form).send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));

    assert_eq!(
        app.sms.accepted().len(),
        1,
        "nothing that was refused has happened"
    );

    assert_eq!(app.verify("alice", &id, &code).await.0, 200);

    app.start_ok(&form).await;
}

async fn an_attempt_counts_even_if_the_caller_hangs_up(database: Database) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;
    for _ in 0..3 {
        let wrong = wrong(&code);
        // Hangs up at some moment between request and answer.
        let _ = tokio::time::timeout(Duration::from_micros(300), app.verify("alice", &id, &wrong))
            .await;
    }

    let mut evaluated = 0;
    while app.verify("alice", &id, &wrong(&code)).await.1 == "3003" {
        evaluated += 1;
    }

    assert!(evaluated <= 3);

    assert_eq!(
        app.verify("alice", &id, &code).await,
        (404, "3004".to_owned())
    );
}

async fn what_another_server_changed_is_looked_up_before_a_refusal(database: Database) {
    let app = TestApp::start(database).await;
    let other = app.beside().await;
    let person = app.enrolled("alice").await;
    let profile = person.phone.profile_id(&person.user).unwrap();

    // Started here, claimed there, answered here.
    let started = app.start_ok(&[("type", "otp")]).await;
    let otp = started["otp"].as_str().unwrap();
    let there = person.phone_at(&other);
    there.scan_otp(otp, profile).await.unwrap();

    let id = started["transaction_id"].as_str().unwrap();
    let fetched = person.phone.fetch(id.parse().unwrap()).await.unwrap();
    assert_eq!(person.phone.accept(&fetched).await.unwrap(), "accepted");
    assert_eq!(other.status(id).await, "accepted");
}

async fn whoever_waits_hears_of_what_happens_on_another_server(database: Database) {
    let app = TestApp::start(database).await;
    let other = app.beside().await;
    let person = app.pushed("alice").await;

    // The phone waits there, and the website starts here.
    let there = person.phone_at(&other);
    let waiting = tokio::spawn(async move { there.pending(Duration::from_secs(30)).await });
    waits(&other, 1).await;
    let started = app
        .start_ok(&[("type", "push"), ("user_id", "alice")])
        .await;
    app.pass(Duration::from_secs(2)).await;
    let pending = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    assert_eq!(pending.unwrap().unwrap().unwrap().len(), 1);

    // The website waits there, and the phone answers here.
    let id = started["transaction_id"].as_str().unwrap().to_owned();
    let path = format!("/oauth/api/v4/authenticate/transaction/{id}?wait=60");
    let waiting = tokio::spawn(other.get(&path).send());
    waits(&other, 1).await;
    let fetched = person.phone.fetch(id.parse().unwrap()).await.unwrap();
    person.phone.accept(&fetched).await.unwrap();
    app.pass(Duration::from_secs(2)).await;
    let result = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    let result: serde_json::Value = result.unwrap().unwrap().unwrap().json().await.unwrap();
    assert_eq!(result["status"], "accepted");
}

/// Completes when this many requests wait.
async fn waits(app: &TestApp, count: i64) {
    let waiting = async {
        while app.app.base.metrics.waiting_requests().get() < count {
            tokio::task::yield_now().await;
        }
    };

    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect("the request waits");
}

async fn those_who_have_gone_take_nobodys_place(database: Database) {
    let app = TestApp::start(database).await;
    let (id, _) = app.start_sms("alice").await;
    let path = |wait| format!("/oauth/api/v4/authenticate/transaction/{id}?wait={wait}");

    // More polls than may wait at a time, each until its time is up.
    for _ in 0..20 {
        let poll = app.get(&path(1)).send();
        assert_eq!(app.while_time_passes(poll).await.unwrap().status(), 200);
    }

    // The next one waits all the same, and so do more than may be told at a time.
    let before = app.clock.now();
    let polls = join_all((0..20).map(|_| app.get(&path(5)).send()));
    for poll in app.while_time_passes(polls).await {
        assert_eq!(poll.unwrap().status(), 200);
    }
    assert!(app.clock.now().since(before) >= Duration::from_secs(5));
}
