//! Rows that somebody else keeps locked, on PostgreSQL.

use std::time::Duration;

use countersign::store::journal::Outcome;
use countersign::store::rows::TransactionRow;
use countersign::store::{DatabaseUrl, Store, StoreError, WriteError};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use futures_util::future::join_all;

use super::entries::{change, start};
use crate::support::databases::{Database, ping};
use crate::support::rows::{attempt, transaction};

/// Another program's connection, in a database transaction that it does not end.
fn other_program(database: &Database, statement: &str) -> PgConnection {
    let DatabaseUrl::Postgres(url) = database.url() else {
        unreachable!("the database is PostgreSQL");
    };

    let mut connection = PgConnection::establish(url.expose()).unwrap();
    connection.batch_execute("BEGIN").unwrap();
    connection.batch_execute(statement).unwrap();
    connection
}

async fn save(store: &Store, rows: &[TransactionRow]) {
    for row in rows {
        assert_eq!(store.commit(start(row)).await, Ok(Outcome::Committed));
    }
}

#[tokio::test]
async fn one_locked_row_fails_alone() {
    let database = Database::postgres();
    let store = database.store();
    let rows: Vec<_> = (0..32).map(|_| transaction()).collect();
    save(&store, &rows).await;

    let id: String = rows[7]
        .id
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let lock = format!("SELECT 1 FROM transactions WHERE id = '\\x{id}' FOR UPDATE");
    let _other = other_program(&database, &lock);

    let changes = rows.iter().map(|row| store.commit(change(attempt(row))));
    let outcomes = tokio::time::timeout(Duration::from_secs(20), join_all(changes)).await;

    for (number, outcome) in outcomes.unwrap().into_iter().enumerate() {
        match number {
            7 => assert!(
                matches!(outcome, Err(StoreError::Aborted(_))),
                "{outcome:?}"
            ),
            _ => assert_eq!(outcome, Ok(Outcome::Committed), "{number}"),
        }
    }
}

#[tokio::test]
async fn writes_that_wait_keep_no_read_waiting() {
    let database = Database::postgres();
    let store = database.store();
    let _other = other_program(&database, "LOCK TABLE consents");

    let waiting = (0..8).map(|_| {
        store.write::<_, StoreError, _>(|connection| {
            connection.batch_execute("DELETE FROM consents")?;
            Ok::<_, WriteError<StoreError>>(())
        })
    });
    let waiting = join_all(waiting);

    let reads = join_all((0..100).map(|_| ping(&store)));
    tokio::select! {
        biased;
        _ = waiting => panic!("the table is locked"),
        reads = reads => assert!(reads.iter().all(Result::is_ok)),
    }
}
