//! Closures in a transaction of their own, and queries on the store's threads.

use countersign::store::queries::events::{find_latest_events_of_user, insert_event};
use countersign::store::{Connection, Store, StoreError, WriteError};
use diesel::QueryResult;
use diesel::connection::SimpleConnection as _;

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
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();

    // What is asked for meanwhile waits for this one, and on SQLite becomes one commit.
    let first = store.write(move |connection| {
        insert(connection)?;
        begun.send(()).expect("the test waits");
        let _ = released.recv();
        Ok::<_, WriteError<Failure>>(())
    });

    let others = async {
        has_begun.await.unwrap();

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

        let asked =
            async { tokio::join!(good(), refused, good(), failing, good(), panicking, good()) };
        let (answers, ()) = tokio::join!(asked, async { drop(release) });
        answers
    };

    let (first, answers) = tokio::join!(first, others);
    let (one, refused, two, failing, three, panicking, four) = answers;

    assert_eq!([first, one, two, three, four], [const { Ok(()) }; 5]);
    assert_eq!(refused, Err(Failure::NotLikeThis));
    assert!(
        matches!(failing, Err(Failure::Store(StoreError::Query(_)))),
        "{failing:?}"
    );
    assert_eq!(panicking, Err(Failure::Store(StoreError::Panicked)));

    assert_eq!(count(&store).await, 5);
    what_succeeds_stays_beside(&store, 5).await;
}

/// The connections are of use after all that.
async fn what_succeeds_stays_beside(store: &Store, before: usize) {
    let result = store.write(|connection| Ok::<_, WriteError<Failure>>(insert(connection)?));
    assert_eq!(result.await, Ok(()));
    assert_eq!(count(store).await, before + 1);
}

async fn reads_run_while_a_write_waits(database: Database) {
    let store = database.store();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let write = store.write(move |connection| {
        insert(connection)?;
        begun.send(()).expect("the test waits");
        let _ = released.recv();
        Ok::<_, WriteError<Failure>>(())
    });

    let meanwhile = async {
        has_begun.await.unwrap();
        let before = count(&store).await;
        drop(release);
        before
    };

    let (written, before) = tokio::join!(write, meanwhile);
    assert_eq!((written, before), (Ok(()), 0));
    assert_eq!(count(&store).await, 1);
}
