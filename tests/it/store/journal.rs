//! The journal: what was acknowledged is there, what was refused is not, and entries that share a
//! batch do not affect each other.

use std::sync::mpsc;

use countersign::store::journal::{Entry, Outcome, TransactionUpdate};
use countersign::store::queries::callbacks::list_callbacks;
use countersign::store::queries::events::find_latest_events_of_user;
use countersign::store::queries::transactions::find_transaction;
use countersign::store::rows::{AccessTokenRow, EventRow, IdempotencyRow, TransactionRow};
use countersign::store::schema::{access_tokens, idempotency_keys};
use countersign::store::{Connection, Store, StoreError, WriteError};
use countersign::telemetry::metrics::JournalCounts;
use diesel::connection::SimpleConnection as _;
use diesel::{QueryDsl as _, RunQueryDsl as _, SelectableHelper as _};
use futures_util::future::join_all;

use super::entries::{change, guarded, inserting, start};
use crate::support::databases::{Database, on_both_databases, ping};
use crate::support::rows::{
    NOW, access_token, assertion_id, attempt, callback, event, id, idempotency_key, transaction,
};

on_both_databases!(
    an_entry_is_written_whole,
    an_update_sets_what_it_names_and_keeps_the_rest,
    an_outdated_update_is_refused_with_its_inserts,
    an_update_of_nothing_is_refused,
    one_of_many_parallel_updates_wins,
    a_key_is_taken_once,
    an_expired_key_is_taken_again,
    a_change_takes_its_key_along,
    an_assertion_is_seen_once,
    repeats_of_an_assertion_hold_nobody_up,
    an_update_may_follow_its_insert_at_once,
    a_bad_entry_does_not_hurt_its_neighbours,
    a_full_queue_says_so,
    a_closed_store_finishes_what_it_accepted,
    counts_what_it_does,
);

async fn find(store: &Store, id: &[u8]) -> Option<TransactionRow> {
    let id = id.to_vec();
    store
        .read(move |connection| find_transaction(connection, &id))
        .await
        .unwrap()
}

async fn events(store: &Store) -> Vec<EventRow> {
    store
        .read(|connection| find_latest_events_of_user(connection, "alice", 1000))
        .await
        .unwrap()
}

fn count(outcomes: &[Result<Outcome, StoreError>], wanted: &Result<Outcome, StoreError>) -> usize {
    outcomes.iter().filter(|outcome| *outcome == wanted).count()
}

async fn an_entry_is_written_whole(database: Database) {
    let store = database.store();
    let row = transaction();
    let (event, callback) = (event(&row.id), callback(&row.id));

    let token = AccessTokenRow {
        signing_algorithm: Some("ES256".to_owned()),
        ..access_token(None)
    };

    let entry = inserting([
        row.clone().into(),
        event.clone().into(),
        callback.clone().into(),
        token.clone().into(),
    ]);

    assert_eq!(store.commit(entry).await, Ok(Outcome::Committed));

    assert_eq!(find(&store, &row.id).await, Some(row));
    assert_eq!(events(&store).await, [event]);

    let callbacks = store
        .read(|connection| list_callbacks(connection, None, None, 10))
        .await;

    assert_eq!(callbacks, Ok(vec![callback]));

    let tokens = store
        .read(|connection| {
            access_tokens::table
                .select(AccessTokenRow::as_select())
                .load(connection)
        })
        .await;

    assert_eq!(tokens, Ok(vec![token]));
}

async fn an_update_sets_what_it_names_and_keeps_the_rest(database: Database) {
    let store = database.store();
    let row = transaction();
    assert_eq!(store.commit(start(&row)).await, Ok(Outcome::Committed));

    let update = TransactionUpdate {
        status: 1,
        reason: Some(7),
        attempts: 2,
        resends: 1,
        delivery_due: Some(true),
        delivery_fence: Some(3),
        finished_at: Some(NOW.as_millis() + 1),
        answer: Some("a.b.c".to_owned()),
        device_id: Some("another".to_owned()),
        ..attempt(&row)
    };

    assert_eq!(store.commit(change(update)).await, Ok(Outcome::Committed));

    let expected = TransactionRow {
        version: 1,
        status: 1,
        reason: Some(7),
        attempts: 2,
        resends: 1,
        delivery_due: true,
        delivery_fence: 3,
        finished_at: Some(NOW.as_millis() + 1),
        answer: Some("a.b.c".to_owned()),
        device_id: Some("another".to_owned()),
        ..row
    };

    assert_eq!(find(&store, &expected.id).await, Some(expected.clone()));

    let update = TransactionUpdate {
        status: 1,
        finished_at: Some(5),
        ..attempt(&expected)
    };

    assert_eq!(store.commit(change(update)).await, Ok(Outcome::Committed));
    let again = find(&store, &expected.id).await.unwrap();
    assert_eq!(
        (again.version, again.reason, again.finished_at),
        (2, None, Some(5))
    );

    assert_eq!(
        (again.answer, again.user_id, again.device_id),
        (expected.answer, expected.user_id, expected.device_id),
        "null leaves them as they are"
    );
}

async fn an_outdated_update_is_refused_with_its_inserts(database: Database) {
    let store = database.store();
    let row = transaction();
    assert_eq!(store.commit(start(&row)).await, Ok(Outcome::Committed));

    assert_eq!(
        store.commit(change(attempt(&row))).await,
        Ok(Outcome::Committed)
    );

    assert_eq!(
        store.commit(change(attempt(&row))).await,
        Ok(Outcome::Refused)
    );

    let found = find(&store, &row.id).await.unwrap();
    assert_eq!((found.version, found.attempts), (1, 1));
    assert_eq!(events(&store).await.len(), 2);
}

async fn an_update_of_nothing_is_refused(database: Database) {
    let store = database.store();
    assert_eq!(
        store.commit(change(attempt(&transaction()))).await,
        Ok(Outcome::Refused)
    );

    assert_eq!(events(&store).await, []);
}

async fn one_of_many_parallel_updates_wins(database: Database) {
    let store = database.store();

    // A second node on the same database.
    let other = database.open();
    let row = transaction();
    assert_eq!(store.commit(start(&row)).await, Ok(Outcome::Committed));

    let commits = (0..100).map(|number| {
        let store = if number % 2 == 0 { &store } else { &other };
        store.commit(change(attempt(&row)))
    });

    let outcomes = join_all(commits).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(count(&outcomes, &Ok(Outcome::Committed)), 1);

    let found = find(&store, &row.id).await.unwrap();
    assert_eq!((found.version, found.attempts), (1, 1));
    assert_eq!(events(&store).await.len(), 2);
}

async fn a_key_is_taken_once(database: Database) {
    let store = database.store();
    let rows: Vec<TransactionRow> = (0..20).map(|_| transaction()).collect();

    let entry = |row| Entry {
        guard: Some(idempotency_key(1).into()),
        ..start(row)
    };

    let outcomes = join_all(rows.iter().map(|row| store.commit(entry(row)))).await;
    assert_eq!(count(&outcomes, &Ok(Outcome::Committed)), 1);

    for (row, outcome) in rows.iter().zip(&outcomes) {
        let is_there = find(&store, &row.id).await.is_some();
        assert_eq!(is_there, *outcome == Ok(Outcome::Committed));
    }

    let another = Entry {
        guard: Some(idempotency_key(2).into()),
        ..start(&transaction())
    };

    assert_eq!(store.commit(another).await, Ok(Outcome::Committed));
}

async fn an_expired_key_is_taken_again(database: Database) {
    let store = database.store();
    let mut key = idempotency_key(1);
    let claim = |key: &IdempotencyRow| store.commit(guarded(key.clone()));

    assert_eq!(claim(&key).await, Ok(Outcome::Committed));
    key.created_at = key.expires_at - 1;
    assert_eq!(claim(&key).await, Ok(Outcome::Refused));

    key.created_at += 1;
    key.expires_at += 1000;
    assert_eq!(claim(&key).await, Ok(Outcome::Committed));
    assert_eq!(claim(&key).await, Ok(Outcome::Refused));
}

async fn a_change_takes_its_key_along(database: Database) {
    let store = database.store();
    let mut row = transaction();
    assert_eq!(store.commit(start(&row)).await, Ok(Outcome::Committed));
    let mut key = idempotency_key(1);
    let commit = |row: &TransactionRow, key: &IdempotencyRow| {
        let mut entry = change(attempt(row));
        entry.inserts.push(key.clone().into());
        store.commit(entry)
    };

    assert_eq!(commit(&row, &key).await, Ok(Outcome::Committed));
    let refused = commit(&row, &idempotency_key(2)).await;
    assert_eq!(refused, Ok(Outcome::Refused), "the row has another version");

    row.version = 1;
    let taken = commit(&row, &key).await;
    assert!(matches!(taken, Err(StoreError::Query(_))), "{taken:?}");
    assert_eq!(find(&store, &row.id).await.unwrap().version, 1);

    // By now the first use of the key has expired.
    key.created_at = key.expires_at;
    assert_eq!(commit(&row, &key).await, Ok(Outcome::Committed));

    let keys = store
        .read(|connection| {
            idempotency_keys::table
                .count()
                .get_result::<i64>(connection)
        })
        .await;

    assert_eq!(keys, Ok(1));
}

async fn an_assertion_is_seen_once(database: Database) {
    let store = database.store();

    let entry = |jti| Entry {
        assertions: vec![assertion_id(jti)],
        ..inserting([access_token(None).into()])
    };

    let entries = [entry(1), entry(2), entry(1)];
    let outcomes = join_all(entries.map(|entry| store.commit(entry))).await;
    let expected = [Outcome::Committed, Outcome::Committed, Outcome::Replayed];
    assert_eq!(outcomes, expected.map(Ok));
}

async fn repeats_of_an_assertion_hold_nobody_up(database: Database) {
    let store = database.store();
    let release = hold_journal(&store).await;

    let entry = |jti| Entry {
        assertions: vec![assertion_id(jti)],
        ..inserting([access_token(None).into()])
    };
    let repeats = join_all((0..300).map(|_| store.commit(entry(1))));

    let (outcomes, other, ()) = tokio::join!(repeats, store.commit(entry(2)), async {
        drop(release);
    });

    assert_eq!(other, Ok(Outcome::Committed));
    assert_eq!(count(&outcomes, &Ok(Outcome::Committed)), 1);
    assert_eq!(count(&outcomes, &Ok(Outcome::Replayed)), 299);

    // The first may have been taken alone; each further one would be a commit of its own.
    let counts = store.metrics().store().journal();
    assert!(counts.commits <= 3, "{counts:?}");
    assert_eq!((counts.committed, counts.refused), (2, 299));
}

async fn an_update_may_follow_its_insert_at_once(database: Database) {
    let store = database.store();
    let release = hold_journal(&store).await;
    let rows: Vec<TransactionRow> = (0..10).map(|_| transaction()).collect();

    let entries = rows
        .iter()
        .flat_map(|row| [start(row), change(attempt(row))]);

    let commits = join_all(entries.map(|entry| store.commit(entry)));
    let (outcomes, ()) = tokio::join!(commits, async { drop(release) });
    assert_eq!(outcomes, vec![Ok(Outcome::Committed); 20]);
    assert_eq!(find(&store, &rows[9].id).await.unwrap().version, 1);
}

async fn a_bad_entry_does_not_hurt_its_neighbours(database: Database) {
    let store = database.store();
    let taken = transaction();
    assert_eq!(store.commit(start(&taken)).await, Ok(Outcome::Committed));
    let release = hold_journal(&store).await;
    let mut rows: Vec<TransactionRow> = (0..50).map(|_| transaction()).collect();

    // Two cannot be inserted, because their id is taken.
    rows[0] = taken.clone();
    rows[33] = taken;

    let commits = join_all(rows.iter().map(|row| store.commit(start(row))));
    let (outcomes, ()) = tokio::join!(commits, async { drop(release) });

    for (number, (row, outcome)) in rows.iter().zip(outcomes).enumerate() {
        match number {
            0 | 33 => assert!(matches!(outcome, Err(StoreError::Query(_))), "{outcome:?}"),
            _ => assert_eq!(outcome, Ok(Outcome::Committed)),
        }
        assert!(find(&store, &row.id).await.is_some());
    }

    assert_eq!(events(&store).await.len(), 49);
    assert_eq!(store.metrics().store().journal().failed, 2);
}

async fn a_full_queue_says_so(database: Database) {
    let store = database.store_with(|options| options.queue_max = 3);
    let release = hold_journal(&store).await;
    let rows: Vec<TransactionRow> = (0..10).map(|_| transaction()).collect();
    let commits = join_all(rows.iter().map(|row| store.commit(start(row))));
    let (outcomes, ()) = tokio::join!(commits, async { drop(release) });

    let overloaded = count(&outcomes, &Err(StoreError::Overloaded));
    let committed = count(&outcomes, &Ok(Outcome::Committed));
    assert!(overloaded > 0, "{outcomes:?}");
    assert_eq!(overloaded + committed, 10, "{outcomes:?}");

    for (row, outcome) in rows.iter().zip(outcomes) {
        assert_eq!(find(&store, &row.id).await.is_some(), outcome.is_ok());
    }
}

async fn a_closed_store_finishes_what_it_accepted(database: Database) {
    let store = database.store();
    let release = hold_journal(&store).await;
    let rows: Vec<TransactionRow> = (0..10).map(|_| transaction()).collect();
    let commits = join_all(rows.iter().map(|row| store.commit(start(row))));

    let other = store.clone();
    let closing = async {
        tokio::task::spawn_blocking(move || {
            drop(release);
            other.close();
        })
        .await
    };

    let (outcomes, closed) = tokio::join!(commits, closing);
    closed.unwrap();
    assert_eq!(outcomes, vec![Ok(Outcome::Committed); 10]);

    let late = store.commit(start(&transaction())).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    let late = ping(&store).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    let late = store.schema_status();
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");

    assert!(find(&database.open(), &rows[9].id).await.is_some());
}

async fn counts_what_it_does(database: Database) {
    let store = database.store();
    let row = transaction();
    assert_eq!(store.commit(start(&row)).await, Ok(Outcome::Committed));

    assert_eq!(
        store.commit(change(attempt(&row))).await,
        Ok(Outcome::Committed)
    );

    assert_eq!(
        store.commit(change(attempt(&row))).await,
        Ok(Outcome::Refused)
    );

    let bad = TransactionRow { id: id(), ..row };
    let twice = inserting([bad.clone().into(), bad.into()]);
    assert!(store.commit(twice).await.is_err());
    let metrics = store.metrics();

    let counts = JournalCounts {
        commits: 3,
        committed: 2,
        refused: 1,
        failed: 1,
        rows: 4,
    };

    assert_eq!(metrics.store().journal(), counts);
    let batches = "countersign_journal_batches_total{entries_max=\"1\"} 3";
    assert!(metrics.render().contains(batches), "{}", metrics.render());
    assert_eq!(metrics.store().journal_queue().get(), 0);
    assert_eq!(metrics.store().query_queue().get(), 0);
}

/// Stops the journal until the answer is dropped, so that what is committed meanwhile becomes one
/// batch.
///
/// On SQLite a write stops it. On PostgreSQL writes do not go through the journal; a lock on a table
/// stops it as soon as it has begun a batch.
async fn hold_journal(store: &Store) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (holding, held) = tokio::sync::oneshot::channel();
    let store = store.clone();

    tokio::spawn(async move {
        let held: Result<(), StoreError> = store
            .write(move |connection| {
                lock_tables(connection)?;
                holding.send(()).expect("the test waits");
                // Ends when the sender is dropped.
                let _ = released.recv();
                Ok::<(), WriteError<StoreError>>(())
            })
            .await;

        held.expect("nothing else holds the tables");
    });

    held.await.expect("the tables are locked");

    release
}

fn lock_tables(connection: &mut Connection) -> diesel::QueryResult<()> {
    match connection {
        Connection::Postgres(connection) => {
            connection.batch_execute("LOCK TABLE transactions IN SHARE MODE")
        }
        Connection::Sqlite(_) => Ok(()),
    }
}
