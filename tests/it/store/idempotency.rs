//! The answers kept for repeated requests.

use countersign::clock::Timestamp;
use countersign::store::queries::idempotency::{find_idempotency_keys, replace_idempotent_answer};
use countersign::store::rows::IdempotencyRow;
use countersign::store::{Store, StoreError, WriteError};

use super::entries::guarded;
use crate::support::databases::{Database, on_both_databases};
use crate::support::rows::idempotency_key;

on_both_databases!(an_answer_is_replaced_for_the_claim_that_it_belongs_to);

async fn replace(store: &Store, created_at: i64, answer: &'static [u8]) {
    let created_at = Timestamp::from_millis(created_at);

    let replaced: Result<_, StoreError> = store
        .write(move |connection| {
            replace_idempotent_answer(connection, "portal", &[1; 32], created_at, answer)?;
            Ok::<_, WriteError<StoreError>>(())
        })
        .await;

    replaced.unwrap();
}

async fn an_answer_is_replaced_for_the_claim_that_it_belongs_to(database: Database) {
    let store = database.store();
    let key = IdempotencyRow {
        answer: Some(b"answer".to_vec()),
        ..idempotency_key(1)
    };
    let find = || {
        store.read(|connection| {
            let id = ("portal".to_owned(), vec![1; 32]);
            let found = find_idempotency_keys(connection, &[id])?;
            Ok(found.into_iter().map(|(_, row)| row).next())
        })
    };
    assert_eq!(find().await, Ok(None));

    assert!(store.commit(guarded(key.clone())).await.is_ok());
    replace(&store, key.created_at + 1, b"of another claim").await;
    assert_eq!(find().await, Ok(Some(key.clone())));

    replace(&store, key.created_at, b"refused").await;
    assert_eq!(
        find().await.unwrap().unwrap().answer.as_deref(),
        Some(&b"refused"[..])
    );
}
