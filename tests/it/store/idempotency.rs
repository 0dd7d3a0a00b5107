//! The answers kept for repeated requests.

use countersign::store::queries::idempotency::{find_idempotency_key, save_idempotent_answer};
use countersign::store::{Store, StoreError, WriteError};

use super::entries::guarded;
use crate::support::databases::{Database, on_both_databases};
use crate::support::rows::idempotency_key;

on_both_databases!(the_first_answer_stays);

async fn save(store: &Store, created_at: i64, answer: &'static [u8]) -> bool {
    let saved: Result<_, StoreError> = store
        .write(move |connection| {
            let saved = save_idempotent_answer(connection, "portal", &[1; 32], created_at, answer)?;
            Ok::<_, WriteError<StoreError>>(saved)
        })
        .await;

    saved.unwrap()
}

async fn the_first_answer_stays(database: Database) {
    let store = database.store();
    let key = idempotency_key(1);
    let find = || store.read(|connection| find_idempotency_key(connection, "portal", &[1; 32]));
    assert_eq!(find().await, Ok(None));
    assert!(store.commit(guarded(key.clone())).await.is_ok());
    assert_eq!(find().await, Ok(Some(key.clone())));
    assert!(!save(&store, key.created_at + 1, b"of another use").await);
    assert!(save(&store, key.created_at, b"answer").await);
    assert!(!save(&store, key.created_at, b"another").await);

    assert_eq!(
        find().await.unwrap().unwrap().answer.as_deref(),
        Some(&b"answer"[..])
    );
}
