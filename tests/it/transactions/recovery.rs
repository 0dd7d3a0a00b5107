use std::time::Duration;

use super::wrong;
use crate::support::app::TestApp;
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    attempts_survive_a_restart,
    a_transaction_without_an_actor_expires_too,
    a_long_poll_ends_with_the_server,
    a_clock_that_is_set_far_ahead_deletes_nothing,
);

async fn attempts_survive_a_restart(database: Database) {
    let mut app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;
    for _ in 0..2 {
        assert_eq!(app.verify("alice", &id, &wrong(&code)).await.1, "3003");
        app = app.restart().await;
    }

    assert_eq!(app.verify("alice", &id, &wrong(&code)).await.1, "3003");
    assert_eq!(app.verify("alice", &id, &code).await.1, "3004");
}

async fn a_transaction_without_an_actor_expires_too(database: Database) {
    let app = TestApp::start(database).await;
    let (id, _) = app.start_sms("alice").await;
    let app = app.restart().await;
    assert_eq!(app.app.base.metrics.live_transactions().get(), 0);

    app.clock.advance(Duration::from_secs(125));

    // Nobody asks for this transaction, so that only the sweeper can find it.
    let expired = async {
        while !app
            .app
            .base
            .metrics
            .render()
            .contains("transactions_finished_total{method=\"sms\",status=\"expired\"} 1")
        {
            app.clock.advance(Duration::from_secs(1));
            tokio::task::spawn_blocking(std::thread::yield_now)
                .await
                .unwrap();
        }
    };

    tokio::time::timeout(Duration::from_secs(20), expired)
        .await
        .expect("the sweeper comes by");

    assert_eq!(app.status(&id).await, "expired");
}

async fn a_long_poll_ends_with_the_server(database: Database) {
    let app = TestApp::start(database).await;
    let (id, _) = app.start_sms("alice").await;
    let waiting = app
        .get(&format!(
            "/oauth/api/v4/authenticate/transaction/{id}?wait=60"
        ))
        .send();

    let waiting = tokio::spawn(waiting);

    let waits = async {
        while app.app.base.metrics.waiting_requests().get() == 0 {
            tokio::task::yield_now().await;
        }
    };

    tokio::time::timeout(Duration::from_secs(20), waits)
        .await
        .expect("the request waits");

    app.stop().await;
    let answer = waiting.await.unwrap().expect("it is answered, not cut off");
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["status"], "pending");
}

async fn a_clock_that_is_set_far_ahead_deletes_nothing(database: Database) {
    let app = TestApp::start(database).await;
    let (id, code) = app.start_sms("alice").await;
    assert_eq!(app.verify("alice", &id, &code).await.0, 200);

    // Retention looks once a minute.
    app.pass(Duration::from_secs(70)).await;
    app.clock.step(Duration::from_secs(1_000 * 24 * 3600));
    app.pass(Duration::from_secs(130)).await;
    assert_eq!(app.status(&id).await, "accepted");

    // Time that really passes deletes it, once retention looks again.
    let path = format!("/oauth/api/v4/authenticate/transaction/{id}");
    let deleted = async {
        while app.get(&path).send().await.unwrap().status() != 404 {
            app.clock.advance(Duration::from_secs(24 * 3600));
            app.pass(Duration::from_secs(70)).await;
        }
    };

    tokio::time::timeout(Duration::from_secs(30), deleted)
        .await
        .expect("retention deletes it");
}
