//! The disk fills up under SQLite, and is given room again.

use std::process::Command;

use countersign::store::journal::Outcome;
use countersign::store::queries::events::find_latest_events_of_user;
use countersign::store::queries::transactions::find_transaction;
use countersign::store::{Connection, StoreError, WriteError};
use diesel::connection::SimpleConnection as _;
use futures_util::future::join_all;

use super::child::{Committer, Said};
use super::entries::start;
use crate::support::databases::Database;
use crate::support::rows::transaction;

/// A limit that the database itself keeps, on the connection it writes with: what it says is what
/// it says of a full disk.
#[tokio::test]
async fn a_full_database_is_unavailable_and_heals() {
    let database = Database::sqlite();
    let store = database.store();
    let limited: Result<(), StoreError> = store
        .write(|connection| match connection {
            // Less than it has: it is taken for what it has.
            Connection::Sqlite(connection) => {
                Ok(connection.batch_execute("PRAGMA max_page_count = 1")?)
            }
            Connection::Postgres(_) => Err(WriteError::Refused(StoreError::Overloaded)),
        })
        .await;

    assert_eq!(limited, Ok(()));
    let rows: Vec<_> = (0..200).map(|_| transaction()).collect();
    let outcomes = join_all(rows.iter().map(|row| store.commit(start(row)))).await;

    // The batch that met the limit; those behind it may have found the database healed.
    assert!(
        outcomes
            .iter()
            .any(|outcome| matches!(outcome, Err(StoreError::Unavailable(_))))
    );

    for (row, outcome) in rows.into_iter().zip(&outcomes) {
        let found = store
            .read(move |connection| find_transaction(connection, &row.id))
            .await
            .unwrap();
        assert_eq!(found.is_some(), outcome.is_ok());
    }

    // A new connection has no such limit, as a disk that was given room.
    assert_eq!(
        store.commit(start(&transaction())).await,
        Ok(Outcome::Committed)
    );
}

/// Files that may not grow: writing fails again and again, until they may.
#[tokio::test]
async fn a_limit_on_files_is_survived() {
    let database = Database::sqlite();
    drop(database.store());
    let url = format!("{}", database.url());

    // In blocks of 512 bytes or, in some shells, 1024; the signal would end the process.
    let mut committer = Committer::start(&url, "trap '' XFSZ; ulimit -S -f 2000");
    let mut said = Vec::new();
    let failed = |said: &[Said]| {
        said.iter()
            .filter(|word| matches!(word, Said::Failed(_)))
            .count()
    };

    while failed(&said) < 100 {
        said.push(committer.next().expect("it survives"));
    }

    let raised = Command::new("prlimit")
        .args([
            "--pid",
            &committer.id().to_string(),
            "--fsize=unlimited:unlimited",
        ])
        .status()
        .expect("prlimit, of util-linux");

    assert!(raised.success());
    let mut healed = 0;

    while healed < 100 {
        let word = committer.next().expect("it survives");
        healed += usize::from(matches!(word, Said::Acknowledged(_)));
        said.push(word);
    }

    said.extend(committer.kill());

    let store = database.open();
    let events = store
        .read(|connection| find_latest_events_of_user(connection, "alice", 1_000_000))
        .await
        .unwrap();

    for word in said {
        let (id, acknowledged) = match word {
            Said::Acknowledged(id) => (id, true),
            Said::Failed(id) => (id, false),
        };
        let has_event = events
            .iter()
            .any(|event| event.transaction_id.as_ref() == Some(&id));

        let found = store
            .read(move |connection| find_transaction(connection, &id))
            .await
            .unwrap();
        assert_eq!((found.is_some(), has_event), (acknowledged, acknowledged));
    }
}
