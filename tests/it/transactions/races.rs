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
