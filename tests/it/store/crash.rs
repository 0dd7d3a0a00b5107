//! The server is killed in the middle of its work.

use std::collections::HashSet;

use countersign::store::queries::events::find_latest_events_of_user;
use countersign::store::queries::transactions::find_transaction;
use countersign::store::{DatabaseUrl, Store};

use super::child::{Committer, Said};
use super::entries::start;
use crate::support::databases::{Database, on_both_databases};
use crate::support::rows::transaction;

on_both_databases!(what_was_acknowledged_is_there_after_a_kill);

async fn what_was_acknowledged_is_there_after_a_kill(database: Database) {
    drop(database.store());

    for _ in 0..3 {
        let mut committer = Committer::start(&spelled_out(&database), "");
        let mut said: Vec<Said> = (0..200).map_while(|_| committer.next()).collect();
        said.extend(committer.kill());
        assert!(said.len() >= 200);
        let store = database.open();
        for word in said {
            let Said::Acknowledged(id) = word else {
                panic!("nothing may fail: {word:?}")
            };
            assert!(exists(&store, id).await, "it was acknowledged");
        }

        assert!(store.commit(start(&transaction())).await.is_ok());
    }

    each_event_has_its_transaction(&database.open()).await;
}

fn spelled_out(database: &Database) -> String {
    match database.url() {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.expose().to_owned(),
    }
}

async fn exists(store: &Store, id: Vec<u8>) -> bool {
    store
        .read(move |connection| find_transaction(connection, &id))
        .await
        .unwrap()
        .is_some()
}

/// What one entry wrote is there together.
async fn each_event_has_its_transaction(store: &Store) {
    let events = store
        .read(|connection| find_latest_events_of_user(connection, "alice", 1_000_000))
        .await
        .unwrap();

    let transactions: HashSet<Vec<u8>> = events
        .into_iter()
        .filter_map(|event| event.transaction_id)
        .collect();

    for id in transactions {
        assert!(exists(store, id).await, "its event is there");
    }
}
