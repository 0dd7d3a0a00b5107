//! What callbacks contain, and how they are retried.

use std::time::Duration;

use countersign::callbacks::{CallbackId, CallbackLimits, CallbackState, Replay};
use countersign::sandbox::{Fault, Provider};
use countersign::store::queries::callbacks::claim_due_callbacks;
use countersign::store::queries::events::find_latest_events_of_user;
use countersign::store::{StoreError, WriteError};
use futures_util::future::join_all;

use super::canary::Canary;
use super::harness::Harness;
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    a_callback_is_signed_and_carries_credentials,
    a_failed_callback_is_retried_with_a_new_signature,
    after_a_day_a_callback_is_dead_and_can_be_replayed,
    retry_after_is_respected,
    a_thousand_callbacks_arrive_once_each,
    a_slow_host_does_not_delay_the_others,
    shutdown_waits_for_callbacks_in_flight,
    another_node_sends_what_a_dead_node_had_claimed,
    a_corrupt_row_is_not_sent_and_not_passed_over,
);

async fn events(harness: &Harness) -> Vec<String> {
    let query = |connection: &mut _| find_latest_events_of_user(connection, "alice", 10);
    let events = harness.store.read(query).await.unwrap();
    for event in &events {
        assert_eq!(event.client_id.as_deref(), Some("portal"));
        assert_eq!(event.device_id.as_deref(), Some("phone"));
    }

    events.into_iter().map(|event| event.event_type).collect()
}

async fn a_callback_is_signed_and_carries_credentials(database: Database) {
    let harness = Harness::start(database).await;
    let (id, transaction_id) = harness.add(&harness.website()).await;
    let delivered = harness.until_delivered(id).await;
    assert_eq!((delivered.attempts, delivered.last_error), (1, None));

    let received = harness
        .sandbox
        .wait_for_callback(&transaction_id.to_string())
        .await
        .unwrap();

    assert_eq!(harness.sandbox.check_callback(&received), Ok(()));

    assert_eq!(
        received.body,
        format!(
            r#"{{"callback_uri":"{}","transaction_id":"{transaction_id}"}}"#,
            harness.website()
        )
    );

    assert_eq!(received.headers["content-type"], "application/json");
    assert_eq!(received.headers["webhook-id"], id.to_string());
    assert_eq!(events(&harness).await, ["PUSH_AUTH_CALLBACK_SENT"]);
}

async fn a_failed_callback_is_retried_with_a_new_signature(database: Database) {
    let harness = Harness::start(database).await;
    harness
        .sandbox
        .fail(Provider::Website, Fault::status(500).times(1));

    let (id, _) = harness.add(&harness.website()).await;
    let failed = harness.until_attempts(id, 1).await;
    assert_eq!(
        failed.last_error.as_deref(),
        Some("the website answered 500")
    );

    assert_eq!(failed.state, CallbackState::Due);

    harness
        .sandbox
        .fail(Provider::Website, Fault::drop_connection().times(1));

    harness.advance(Duration::from_secs(5));
    let failed = harness.until_attempts(id, 2).await;
    assert_eq!(failed.last_error.as_deref(), Some("the connection broke"));

    harness.sandbox.heal(Provider::Website);
    harness.advance(Duration::from_secs(15));
    assert_eq!(harness.until_delivered(id).await.attempts, 3);

    let received = harness.sandbox.received(Provider::Website);
    let ids: Vec<_> = received
        .iter()
        .map(|call| call.headers["webhook-id"].clone())
        .collect();
    assert!(ids.iter().all(|sent| *sent == id.to_string()), "{ids:?}");

    // Each attempt has a new signature, with the time of the attempt.
    let last = received.last().unwrap();
    assert_eq!(
        last.headers["webhook-timestamp"],
        harness.clock.now().as_secs().to_string()
    );

    assert_eq!(harness.sandbox.check_callback(last), Ok(()));
    assert_eq!(events(&harness).await, ["PUSH_AUTH_CALLBACK_SENT"]);
}

async fn after_a_day_a_callback_is_dead_and_can_be_replayed(database: Database) {
    let harness = Harness::start(database).await;
    harness.sandbox.fail(Provider::Website, Fault::status(503));
    let (id, _) = harness.add(&harness.website()).await;
    for attempts in 1..30 {
        let failed = harness.until_attempts(id, attempts).await;
        assert_eq!(failed.state, CallbackState::Due);

        if attempts == 5 {
            assert_eq!(
                harness.callbacks.replay(id).await.unwrap(),
                Replay::StillDue
            );
        }

        harness.advance(failed.due_at.since(harness.clock.now()));
    }

    let dead = harness
        .until(id, |callback| callback.state == CallbackState::Dead)
        .await;
    assert_eq!(dead.attempts, 30);

    let hours = dead
        .finished_at
        .unwrap()
        .since(super::harness::NOW)
        .as_secs_f64()
        / 3600.0;

    assert!((18.0..=24.0).contains(&hours), "{hours}");
    assert_eq!(events(&harness).await, ["PUSH_AUTH_CALLBACK_FAILED"]);

    let listed = harness
        .callbacks
        .list(Some(CallbackState::Dead), None, 10)
        .await
        .unwrap();

    assert_eq!(listed, [dead]);

    harness.sandbox.heal(Provider::Website);

    assert_eq!(harness.callbacks.replay(id).await.unwrap(), Replay::Queued);
    assert_eq!(harness.until_delivered(id).await.attempts, 1);

    assert_eq!(
        harness
            .callbacks
            .replay(CallbackId::from_bytes([9; 16]))
            .await
            .unwrap(),
        Replay::NotFound
    );

    assert!(
        harness
            .metrics
            .render()
            .contains("countersign_callbacks_total{outcome=\"dead\"} 1")
    );
}

async fn retry_after_is_respected(database: Database) {
    let harness = Harness::start(database).await;
    harness
        .sandbox
        .fail(Provider::Website, Fault::status(429).retry_after(120));

    let (id, _) = harness.add(&harness.website()).await;
    let failed = harness.until_attempts(id, 1).await;
    assert_eq!(
        failed.due_at.since(harness.clock.now()),
        Duration::from_secs(120)
    );
}

async fn a_thousand_callbacks_arrive_once_each(database: Database) {
    let harness = Harness::start(database).await;
    let website = harness.website();
    join_all((0..1000).map(|_| harness.add(&website))).await;

    let look = async {
        // The clock stands still, so rows only wait for their turn.
        while !harness
            .callbacks
            .list(Some(CallbackState::Due), None, 1)
            .await
            .unwrap()
            .is_empty()
        {
            tokio::task::yield_now().await;
        }
    };

    tokio::time::timeout(Duration::from_secs(60), look)
        .await
        .expect("all are delivered");

    assert_eq!(harness.sandbox.requests(Provider::Website), 1000);

    assert!(
        harness
            .metrics
            .render()
            .contains("countersign_callbacks_total{outcome=\"delivered\"} 1000")
    );
}

async fn a_slow_host_does_not_delay_the_others(database: Database) {
    let limits = CallbackLimits {
        in_flight_max: 2,
        per_host_max: 1,
    };
    let harness = Harness::start_with(database, Vec::new(), limits).await;
    let quick = Canary::accepting().await;
    harness.allow(&quick.url());
    harness.sandbox.fail(Provider::Website, Fault::hang());

    // Without the allow list, each may have a path of its own.
    harness.without_allow_list();
    for number in 0..40 {
        let uri = format!("{}?order={number}", harness.website());
        harness.add(&uri).await;
    }

    let (id, _) = harness.add(&quick.url()).await;
    let delivered = tokio::time::timeout(Duration::from_secs(9), harness.until_delivered(id)).await;
    delivered.expect("the quick host does not wait until the slow one times out");
}

async fn shutdown_waits_for_callbacks_in_flight(database: Database) {
    let harness = Harness::start(database).await;
    harness.sandbox.fail(
        Provider::Website,
        Fault {
            delay_millis: 300,
            ..Fault::default()
        },
    );

    let (id, _) = harness.add(&harness.website()).await;

    while harness.sandbox.requests(Provider::Website) == 0 {
        tokio::task::yield_now().await;
    }

    harness.shutdown.begin();

    while !harness.task.is_finished() {
        harness.clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }

    let page = harness.callbacks.list(None, None, 1).await.unwrap();
    assert_eq!(
        (page[0].id, page[0].state),
        (id, CallbackState::Delivered),
        "{page:?}"
    );
}

async fn another_node_sends_what_a_dead_node_had_claimed(database: Database) {
    let mut harness = Harness::start(database).await;
    harness.shutdown.begin();
    (&mut harness.task).await.unwrap();
    let (id, _) = harness.add(&harness.website()).await;

    let now = harness.clock.now();
    let claimed: Result<_, StoreError> = harness
        .store
        .write(move |connection| {
            Ok::<_, WriteError<StoreError>>(claim_due_callbacks(
                connection,
                now,
                Duration::from_secs(60),
                &[],
                10,
            )?)
        })
        .await;

    assert_eq!(claimed.unwrap().len(), 1);

    let (callbacks, signal) = (
        harness.callbacks.clone(),
        countersign::runtime::Shutdown::default(),
    );
    harness.task = tokio::spawn(async move { callbacks.run(signal.signal()).await });
    harness.advance(Duration::from_secs(59));
    tokio::task::yield_now().await;
    assert_eq!(harness.sandbox.requests(Provider::Website), 0);

    harness.advance(Duration::from_secs(2));
    harness.until_delivered(id).await;
    assert_eq!(harness.sandbox.requests(Provider::Website), 1);
}

async fn a_corrupt_row_is_not_sent_and_not_passed_over(database: Database) {
    let harness = Harness::start(database).await;
    harness.add_corrupt(&harness.website()).await;
    let (good, transaction_id) = harness.add(&harness.website()).await;

    let delivered = async {
        loop {
            let state = Some(CallbackState::Delivered);
            let found = harness.callbacks.list(state, None, 10).await.unwrap();
            if found.iter().any(|callback| callback.id == good) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), delivered)
        .await
        .expect("the other callback is delivered");

    let listed = harness.callbacks.list(None, None, 10).await;
    assert!(matches!(listed, Err(StoreError::Corrupt(_))), "{listed:?}");

    // What was in flight has ended.
    harness.shutdown.begin();
    while !harness.task.is_finished() {
        tokio::task::yield_now().await;
    }

    let received = harness.sandbox.received(Provider::Website);
    assert_eq!(received.len(), 1);
    assert!(received[0].body.contains(&transaction_id.to_string()));
}
