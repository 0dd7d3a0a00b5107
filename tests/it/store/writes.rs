//! Closures in a transaction of their own, and queries on the store's threads.

use std::sync::mpsc;

use countersign::store::queries::events::{find_latest_events_of_user, insert_event};
use countersign::store::{Connection, Store, StoreError, WriteError};
use diesel::QueryResult;
use diesel::connection::SimpleConnection as _;
use tokio::task::JoinHandle;

use super::entries::start;
use crate::support::databases::{Database, on_both_databases};
use crate::support::rows::{event, id, transaction};

on_both_databases!(
    what_succeeds_stays,
    a_refusal_rolls_back,
    a_failed_query_rolls_back,
    a_failed_query_cannot_be_ignored,
    a_panic_rolls_back_and_hurts_nobody,
    many_at_once_all_happen,
    who_shares_a_commit_does_not_share_a_fate,
    reads_run_while_a_write_waits,
);

#[derive(Debug, PartialEq)]
enum Failure {
    NotLikeThis,
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn count(store: &Store) -> usize {
    store
        .read(|connection| find_latest_events_of_user(connection, "alice", 1000))
        .await
        .unwrap()
        .len()
}

fn insert(connection: &mut Connection) -> QueryResult<()> {
    insert_event(connection, &event(&id()))
}

async fn what_succeeds_stays(database: Database) {
    let store = database.store();
    let result = store
        .write(|connection| {
            insert(connection)?;
            insert(connection)?;
            Ok::<_, WriteError<Failure>>(42)
        })
        .await;

    assert_eq!(result, Ok(42));
    assert_eq!(count(&store).await, 2);
}

async fn a_refusal_rolls_back(database: Database) {
    let store = database.store();
    let result = store
        .write(|connection| {
            insert(connection)?;
            Err::<(), _>(WriteError::Refused(Failure::NotLikeThis))
        })
        .await;

    assert_eq!(result, Err(Failure::NotLikeThis));
    assert_eq!(count(&store).await, 0);
}

async fn a_failed_query_rolls_back(database: Database) {
    let store = database.store();
    let result = store
        .write(|connection| {
            let row = event(&id());
            insert_event(connection, &row)?;
            insert_event(connection, &row)?;
            Ok::<_, WriteError<Failure>>(())
        })
        .await;

    assert!(
        matches!(result, Err(Failure::Store(StoreError::Query(_)))),
        "{result:?}"
    );

    assert_eq!(count(&store).await, 0);
    what_succeeds_stays(database).await;
}

async fn a_failed_query_cannot_be_ignored(database: Database) {
    let store = database.store();
    let result = store
        .write(|connection| {
            insert(connection)?;
            let _ = connection.batch_execute("SELECT nothing FROM nowhere");
            Ok::<_, WriteError<Failure>>(())
        })
        .await;

    // PostgreSQL has rolled back, SQLite has not: what counts is that the answer is true.
    assert_eq!(count(&store).await, usize::from(result.is_ok()));
}

async fn a_panic_rolls_back_and_hurts_nobody(database: Database) {
    let store = database.store_with(|options| options.readers = 1);

    for _ in 0..3 {
        let result: Result<(), Failure> = store
            .write(|connection| {
                insert(connection)?;
                panic!("as the test wants it");
            })
            .await;

        assert_eq!(result, Err(Failure::Store(StoreError::Panicked)));
        let result: Result<(), StoreError> = store.read(|_| panic!("as the test wants it")).await;
        assert_eq!(result, Err(StoreError::Panicked));
    }

    assert_eq!(count(&store).await, 0);
    assert!(store.commit(start(&transaction())).await.is_ok());
    assert_eq!(count(&store).await, 1);
}

async fn many_at_once_all_happen(database: Database) {
    let store = database.store();
    let writes = (0..50)
        .map(|_| store.write(|connection| Ok::<_, WriteError<Failure>>(insert(connection)?)));

    let commits = (0..50).map(|_| async { store.commit(start(&transaction())).await.map(drop) });
    let (writes, commits) = tokio::join!(
        futures_util::future::join_all(writes),
        futures_util::future::join_all(commits)
    );

    assert!(writes.iter().all(Result::is_ok), "{writes:?}");
    assert!(commits.iter().all(Result::is_ok), "{commits:?}");
    assert_eq!(count(&store).await, 100);
}

async fn who_shares_a_commit_does_not_share_a_fate(database: Database) {
    let store = database.store();
    // What is asked for meanwhile waits for this one, and on SQLite becomes one commit.
    let (first, release) = begun_write(&store).await;

    let good = || store.write(|connection| Ok::<_, WriteError<Failure>>(insert(connection)?));
    let refused = store.write(|connection| {
        insert(connection)?;
        Err::<(), _>(WriteError::Refused(Failure::NotLikeThis))
    });
    let failing = store.write(|connection| {
        let row = event(&id());
        insert_event(connection, &row)?;
        Ok::<_, WriteError<Failure>>(insert_event(connection, &row)?)
    });
    let panicking = store.write(|connection| -> Result<(), WriteError<Failure>> {
        insert(connection)?;
        panic!("as the test wants it");
    });

    let (one, refused, two, failing, three, panicking, four, ()) = tokio::join!(
        good(),
        refused,
        good(),
        failing,
        good(),
        panicking,
        good(),
        // Once all the others wait.
        async { drop(release) }
    );

    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!([one, two, three, four], [const { Ok(()) }; 4]);
    assert_eq!(refused, Err(Failure::NotLikeThis));
    assert!(
        matches!(failing, Err(Failure::Store(StoreError::Query(_)))),
        "{failing:?}"
    );
    assert_eq!(panicking, Err(Failure::Store(StoreError::Panicked)));

    assert_eq!(count(&store).await, 5);

    // The connections are of use after all that.
    assert_eq!(good().await, Ok(()));
    assert_eq!(count(&store).await, 6);
}

async fn reads_run_while_a_write_waits(database: Database) {
    let store = database.store();
    let (write, release) = begun_write(&store).await;
    assert_eq!(count(&store).await, 0);

    drop(release);
    assert_eq!(write.await.unwrap(), Ok(()));
    assert_eq!(count(&store).await, 1);
}

/// A write of one row that has begun, and ends when the sender is dropped.
async fn begun_write(store: &Store) -> (JoinHandle<Result<(), Failure>>, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();

    let store = store.clone();
    let write = tokio::spawn(async move {
        let change = move |connection: &mut Connection| {
            insert(connection)?;
            begun.send(()).expect("the test waits");
            let _ = released.recv();
            Ok::<_, WriteError<Failure>>(())
        };
        store.write(change).await
    });

    has_begun.await.expect("the write has begun");

    (write, release)
}
