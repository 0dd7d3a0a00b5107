//! Deleting what is no longer kept.

use std::time::Duration;

use countersign::clock::Timestamp;
use countersign::store::journal::{Entry, Insert};
use countersign::store::queries::callbacks::list_callbacks;
use countersign::store::queries::sweep::{
    delete_events, delete_expired_access_tokens, delete_expired_assertion_ids,
    delete_expired_authorizations, delete_expired_idempotency_keys, delete_finished_callbacks,
    delete_finished_transactions,
};
use countersign::store::queries::transactions::find_transaction;
use countersign::store::rows::{CallbackRow, EventRow, TransactionRow, callback_state};
use countersign::store::{Connection, Store, StoreError, WriteError};
use diesel::QueryResult;

use super::entries::inserting;
use crate::support::databases::{Database, on_both_databases};
use crate::support::rows::{
    NOW, access_token, assertion_id, callback, event, id, id_at, idempotency_key, transaction,
};

on_both_databases!(
    goes_in_portions_until_nothing_is_left,
    keeps_what_is_young,
    keeps_results_that_callbacks_point_to,
    keeps_callbacks_of_other_states,
    forgets_what_has_expired,
);

type Delete = fn(&mut Connection, Timestamp, i64) -> QueryResult<usize>;

async fn save(store: &Store, inserts: Vec<Insert>) {
    assert!(store.commit(inserting(inserts)).await.is_ok());
}

async fn sweep(
    store: &Store,
    delete: impl FnOnce(&mut Connection) -> QueryResult<usize> + Send + 'static,
) -> usize {
    let deleted: Result<_, StoreError> = store
        .write(move |connection| Ok::<_, WriteError<StoreError>>(delete(connection)?))
        .await;

    deleted.unwrap()
}

fn finished(millis: i64) -> Insert {
    let finished_at = Some(NOW.as_millis() + millis);
    let row = TransactionRow {
        status: 1,
        finished_at,
        ..transaction()
    };

    row.into()
}

fn happened(millis: u64) -> Insert {
    let time = NOW.after(Duration::from_millis(millis));
    let row = EventRow {
        id: id_at(time),
        occurred_at: time.as_millis(),
        ..event(&id())
    };

    row.into()
}

/// Deletes the results that were finished at `before`, a day after it.
fn delete_results(
    connection: &mut Connection,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_finished_transactions(connection, before.after(DAY), before, limit)
}

const DAY: Duration = Duration::from_secs(86_400);

async fn keeps_results_that_callbacks_point_to(database: Database) {
    let store = database.store();
    let finished_at = NOW.before(DAY).as_millis();
    let result = || TransactionRow {
        status: 1,
        finished_at: Some(finished_at),
        ..transaction()
    };
    let called_back = |state, callback_finished_at| {
        let result = result();
        let callback = CallbackRow {
            transaction_id: result.id.clone(),
            state,
            finished_at: callback_finished_at,
            ..callback(&id())
        };
        (result, callback)
    };

    let kept = [
        called_back(callback_state::DUE, None),
        called_back(callback_state::DEAD, Some(finished_at)),
        // An hour ago: its website has had little time to fetch the result.
        called_back(callback_state::DELIVERED, Some(NOW.as_millis() - 3_600_000)),
    ];
    let gone = called_back(callback_state::DELIVERED, Some(finished_at));
    let alone = result();

    let mut inserts: Vec<Insert> = vec![alone.clone().into()];
    for (result, callback) in kept.iter().chain([&gone]) {
        inserts.push(result.clone().into());
        inserts.push(callback.clone().into());
    }
    save(&store, inserts).await;

    let day_ago = NOW.before(DAY);
    assert_eq!(
        sweep(&store, move |c| delete_results(c, day_ago, 100)).await,
        5
    );

    let is_there = |row: &TransactionRow| {
        let id = row.id.clone();
        store.read(move |connection| Ok(find_transaction(connection, &id)?.is_some()))
    };
    for (result, callback) in &kept {
        assert_eq!(is_there(result).await, Ok(true), "{callback:?}");
    }
    assert_eq!(is_there(&gone.0).await, Ok(false));
    assert_eq!(is_there(&alone).await, Ok(false));

    // They are looked at again a day later, not each minute.
    assert_eq!(
        sweep(&store, move |c| delete_results(c, day_ago, 100)).await,
        0
    );
    assert_eq!(sweep(&store, |c| delete_results(c, NOW, 100)).await, 3);
    assert_eq!(is_there(&kept[0].0).await, Ok(true));
    assert_eq!(is_there(&kept[2].0).await, Ok(false));
}

async fn goes_in_portions_until_nothing_is_left(database: Database) {
    let store = database.store();
    save(&store, (-10..0).map(finished).collect()).await;

    for expected in [4, 4, 2, 0] {
        assert_eq!(
            sweep(&store, |connection| delete_results(connection, NOW, 4)).await,
            expected
        );
    }

    save(&store, (0..10).map(happened).collect()).await;
    let end = NOW.after(Duration::from_secs(1));

    for expected in [4, 4, 2, 0] {
        assert_eq!(
            sweep(&store, move |connection| delete_events(connection, end, 4)).await,
            expected
        );
    }
}

async fn keeps_what_is_young(database: Database) {
    let store = database.store();
    let pending = transaction().into();
    save(
        &store,
        vec![finished(-1), finished(0), finished(1), pending],
    )
    .await;

    assert_eq!(
        sweep(&store, |connection| delete_results(connection, NOW, 100)).await,
        2
    );

    save(&store, vec![happened(0), happened(1), happened(2)]).await;
    let after_first = NOW.after(Duration::from_millis(1));
    assert_eq!(
        sweep(&store, move |connection| delete_events(
            connection,
            after_first,
            100
        ))
        .await,
        1
    );
}

async fn keeps_callbacks_of_other_states(database: Database) {
    let store = database.store();

    let of = |state, finished_at: Option<i64>| {
        Insert::from(CallbackRow {
            state,
            finished_at,
            ..callback(&id())
        })
    };

    let before = Some(NOW.as_millis() - 1);
    let delivered = (0..3).map(|_| of(callback_state::DELIVERED, before));

    let kept = [
        of(callback_state::DUE, None),
        of(callback_state::DEAD, before),
        of(callback_state::DELIVERED, Some(NOW.as_millis())),
    ];

    save(&store, delivered.chain(kept).collect()).await;

    let delete = |connection: &mut Connection| {
        delete_finished_callbacks(connection, callback_state::DELIVERED, NOW, 2)
    };

    assert_eq!(
        (
            sweep(&store, delete).await,
            sweep(&store, delete).await,
            sweep(&store, delete).await
        ),
        (2, 1, 0)
    );

    assert_eq!(
        store
            .read(|connection| list_callbacks(connection, None, None, 10))
            .await
            .unwrap()
            .len(),
        3
    );
}

async fn forgets_what_has_expired(database: Database) {
    let store = database.store();

    for number in 0..3 {
        let entry = Entry {
            assertions: vec![assertion_id(number)],
            guard: Some(idempotency_key(number).into()),
            ..inserting([access_token(None).into()])
        };

        assert!(store.commit(entry).await.is_ok());
    }

    let end = NOW.after(Duration::from_secs(86_400));

    let deletions: [Delete; 3] = [
        delete_expired_idempotency_keys,
        delete_expired_assertion_ids,
        delete_expired_access_tokens,
    ];

    for delete in deletions {
        assert_eq!(
            sweep(&store, move |connection| delete(connection, NOW, 100)).await,
            0
        );

        // All three have one expiry: they go together.
        assert_eq!(
            sweep(&store, move |connection| delete(connection, end, 2)).await,
            3
        );
    }

    assert_eq!(
        sweep(&store, move |connection| delete_expired_authorizations(
            connection, end, 2
        ))
        .await,
        0
    );
}
