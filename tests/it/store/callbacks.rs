//! Claiming callbacks, and reporting what came of them.

use std::time::Duration;

use countersign::clock::Timestamp;
use countersign::store::queries::callbacks::{
    claim_due_callbacks, find_callback, finish_callback, list_callbacks, replay_callback,
};
use countersign::store::rows::{CallbackOutcome, CallbackRow, callback_state};
use countersign::store::{Store, StoreError, WriteError};
use futures_util::future::join_all;

use super::entries::inserting;
use crate::support::databases::{Database, on_both_databases};
use crate::support::rows::{NOW, callback, id};

on_both_databases!(
    a_claim_is_a_lease,
    no_two_claim_the_same,
    who_lost_the_lease_may_not_report,
    a_retry_becomes_due_again,
    a_dead_letter_can_be_replayed,
    lists_by_state_and_page,
);

const LEASE: Duration = Duration::from_secs(30);

async fn save(store: &Store, rows: impl IntoIterator<Item = CallbackRow>) {
    for row in rows {
        assert!(store.commit(inserting([row.into()])).await.is_ok());
    }
}

async fn claim(store: &Store, now: Timestamp, limit: i64) -> Vec<CallbackRow> {
    let claimed: Result<_, StoreError> = store
        .write(move |connection| {
            Ok::<_, WriteError<StoreError>>(claim_due_callbacks(
                connection,
                now,
                LEASE,
                &[],
                limit,
            )?)
        })
        .await;

    claimed.unwrap()
}

async fn finish(store: &Store, outcome: CallbackOutcome) -> bool {
    let finished: Result<_, StoreError> = store
        .write(move |connection| {
            Ok::<_, WriteError<StoreError>>(finish_callback(connection, &outcome)?)
        })
        .await;

    finished.unwrap()
}

async fn replay(store: &Store, id: &[u8], now: Timestamp) -> bool {
    let id = id.to_vec();
    let replayed: Result<_, StoreError> = store
        .write(move |connection| {
            Ok::<_, WriteError<StoreError>>(replay_callback(connection, &id, now)?)
        })
        .await;

    replayed.unwrap()
}

async fn find(store: &Store, id: &[u8]) -> CallbackRow {
    let id = id.to_vec();
    store
        .read(move |connection| find_callback(connection, &id))
        .await
        .unwrap()
        .unwrap()
}

fn outcome(claimed: &CallbackRow, state: i16) -> CallbackOutcome {
    CallbackOutcome {
        id: claimed.id.clone(),
        fence: claimed.fence,
        state,
        attempts: claimed.attempts + 1,
        due_at: claimed.due_at,
        finished_at: (state != callback_state::DUE).then_some(NOW.as_millis()),
        last_error: None,
    }
}

async fn a_claim_is_a_lease(database: Database) {
    let store = database.store();
    let due = callback(&id());

    let later = CallbackRow {
        due_at: NOW.as_millis() + 1,
        ..callback(&id())
    };

    let delivered = CallbackRow {
        state: callback_state::DELIVERED,
        ..callback(&id())
    };

    save(&store, [due.clone(), later, delivered]).await;
    let claimed = claim(&store, NOW, 10).await;

    let expected = CallbackRow {
        lease_until: NOW.after(LEASE).as_millis(),
        fence: 1,
        ..due
    };

    assert_eq!(claimed, [expected]);
    assert_eq!(claim(&store, NOW, 10).await, []);
    let again = claim(&store, NOW.after(LEASE), 1).await;
    assert_eq!((again.len(), again[0].fence), (1, 2));
}

async fn no_two_claim_the_same(database: Database) {
    let store = database.store();
    let other = database.open();
    save(&store, (0..40).map(|_| callback(&id()))).await;
    let claims = (0..20).map(|number| claim(if number % 2 == 0 { &store } else { &other }, NOW, 3));
    let mut claimed: Vec<Vec<u8>> = join_all(claims)
        .await
        .into_iter()
        .flatten()
        .map(|row| row.id)
        .collect();

    // A claim that found all it saw being claimed comes back with less: whoever comes next gets the
    // rest.
    claimed.extend(claim(&store, NOW, 40).await.into_iter().map(|row| row.id));
    let total = claimed.len();
    claimed.sort();
    claimed.dedup();
    assert_eq!((total, claimed.len()), (40, 40));
}

async fn who_lost_the_lease_may_not_report(database: Database) {
    let store = database.store();
    save(&store, [callback(&id())]).await;
    let slow = claim(&store, NOW, 1).await.remove(0);
    let quick = claim(&store, NOW.after(LEASE), 1).await.remove(0);
    assert!(!finish(&store, outcome(&slow, callback_state::DEAD)).await);
    assert!(finish(&store, outcome(&quick, callback_state::DELIVERED)).await);
    assert!(!finish(&store, outcome(&quick, callback_state::DEAD)).await);

    assert_eq!(
        find(&store, &quick.id).await.state,
        callback_state::DELIVERED
    );
}

async fn a_retry_becomes_due_again(database: Database) {
    let store = database.store();
    save(&store, [callback(&id())]).await;
    let claimed = claim(&store, NOW, 1).await.remove(0);
    let retry = CallbackOutcome {
        due_at: NOW.as_millis() + 5000,
        last_error: Some("503".to_owned()),
        ..outcome(&claimed, callback_state::DUE)
    };

    assert!(finish(&store, retry).await);
    assert_eq!(claim(&store, NOW, 1).await, []);

    let again = claim(&store, NOW.after(Duration::from_secs(5)), 1)
        .await
        .remove(0);

    assert_eq!(
        (again.attempts, again.fence, again.last_error.as_deref()),
        (1, 2, Some("503"))
    );
}

async fn a_dead_letter_can_be_replayed(database: Database) {
    let store = database.store();
    let row = callback(&id());
    save(&store, [row.clone()]).await;
    assert!(!replay(&store, &row.id, NOW).await, "it is still due");
    assert!(!replay(&store, &id(), NOW).await, "there is none");
    let claimed = claim(&store, NOW, 1).await.remove(0);
    assert!(finish(&store, outcome(&claimed, callback_state::DEAD)).await);
    let later = NOW.after(Duration::from_secs(3600));
    assert!(replay(&store, &row.id, later).await);
    let again = claim(&store, later, 1).await.remove(0);
    assert_eq!(
        (again.attempts, again.finished_at, again.fence),
        (0, None, 2)
    );
}

async fn lists_by_state_and_page(database: Database) {
    let store = database.store();

    let of = |state| CallbackRow {
        state,
        ..callback(&id())
    };

    let mut rows = [
        of(callback_state::DUE),
        of(callback_state::DEAD),
        of(callback_state::DEAD),
    ];

    rows.sort_by(|left, right| left.id.cmp(&right.id));
    save(&store, rows.clone()).await;

    let page = |state, after: Option<Vec<u8>>, limit| {
        store.read(move |connection| list_callbacks(connection, state, after.as_deref(), limit))
    };

    assert_eq!(page(None, None, 2).await, Ok(rows[..2].to_vec()));

    assert_eq!(
        page(None, Some(rows[1].id.clone()), 2).await,
        Ok(rows[2..].to_vec())
    );

    let dead = page(Some(callback_state::DEAD), None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].state), (2, callback_state::DEAD));
}
