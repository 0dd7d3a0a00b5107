//! The database goes away and comes back.

use countersign::store::journal::Outcome;
use countersign::store::queries::events::insert_event;
use countersign::store::queries::transactions::find_transaction;
use countersign::store::{DatabaseUrl, Store, StoreError, StoreOptions, WriteError};
use futures_util::future::join_all;

use super::entries::start;
use crate::support::databases::ping;
use crate::support::postgres::Cluster;
use crate::support::rows::{event, id, transaction};
use crate::support::temporary::TemporaryDirectory;

#[tokio::test]
async fn postgres_away_and_back() {
    let cluster = Cluster::start_new();
    let store = Store::open(&StoreOptions::new(cluster.create_database())).unwrap();
    store.migrate().unwrap();
    let row = transaction();
    assert_eq!(store.commit(start(&row)).await, Ok(Outcome::Committed));
    ping(&store).await.unwrap();

    cluster.stop();

    // As often as there are connections that do not know yet, and then some.
    for _ in 0..3 {
        assert!(matches!(
            store.commit(start(&transaction())).await,
            Err(StoreError::Unavailable(_))
        ));
    }

    assert!(matches!(
        ping(&store).await,
        Err(StoreError::Unavailable(_))
    ));

    assert!(matches!(
        write(&store).await,
        Err(StoreError::Unavailable(_))
    ));

    // However many wait, none waits for the attempts of all before it.
    let commits = (0..2000)
        .map(|_| store.commit(start(&transaction())))
        .collect::<Vec<_>>();

    let reads = (0..2000).map(|_| ping(&store)).collect::<Vec<_>>();
    let (commits, reads) = tokio::join!(join_all(commits), join_all(reads));
    assert!(commits.iter().all(Result::is_err) && reads.iter().all(Result::is_err));

    assert!(matches!(
        store.schema_status(),
        Err(StoreError::Unavailable(_))
    ));

    cluster.start();

    assert_eq!(
        store.commit(start(&transaction())).await,
        Ok(Outcome::Committed)
    );

    ping(&store).await.unwrap();
    assert_eq!(write(&store).await, Ok(()));
    let id = row.id.clone();
    assert_eq!(
        store
            .read(move |connection| find_transaction(connection, &id))
            .await,
        Ok(Some(row))
    );
}

#[tokio::test]
async fn a_restart_between_two_uses_costs_few_errors() {
    let cluster = Cluster::start_new();
    let options = StoreOptions {
        readers: 4,
        ..StoreOptions::new(cluster.create_database())
    };
    let store = Store::open(&options).unwrap();
    store.migrate().unwrap();
    let reads = || join_all((0..20).map(|_| ping(&store)));
    assert!(reads().await.iter().all(Result::is_ok));

    cluster.stop();
    cluster.start();

    // Until one fails, nobody knows that there was a loss.
    let mut errors = 0;
    while errors == 0 {
        errors = reads().await.iter().filter(|read| read.is_err()).count();
    }

    assert!(
        errors <= options.readers,
        "each thread meets one lost connection at most"
    );

    // All others are checked from then on.
    for _ in 0..20 {
        assert_eq!(ping(&store).await, Ok(()));
    }
}

#[tokio::test]
async fn sqlite_without_its_directory() {
    let directory = TemporaryDirectory::new();
    let missing = directory.path().join("later");
    let store = Store::open(&StoreOptions::new(DatabaseUrl::Sqlite(
        missing.join("test.db"),
    )))
    .unwrap();
    assert!(matches!(store.migrate(), Err(StoreError::Unavailable(_))));

    assert!(matches!(
        store.commit(start(&transaction())).await,
        Err(StoreError::Unavailable(_))
    ));

    assert!(matches!(
        ping(&store).await,
        Err(StoreError::Unavailable(_))
    ));

    std::fs::create_dir(&missing).unwrap();
    store.migrate().unwrap();

    assert_eq!(
        store.commit(start(&transaction())).await,
        Ok(Outcome::Committed)
    );

    assert_eq!(ping(&store).await, Ok(()));
}

async fn write(store: &Store) -> Result<(), StoreError> {
    store
        .write(|connection| {
            Ok::<_, WriteError<StoreError>>(insert_event(connection, &event(&id()))?)
        })
        .await
}
