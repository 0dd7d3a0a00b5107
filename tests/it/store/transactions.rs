//! Finding transactions.

use countersign::store::Store;
use countersign::store::queries::transactions::{
    find_expired_pending, find_lapsed_deliveries, find_transaction,
};
use countersign::store::queries::waiting::{PENDING_MAX, find_pending_of_devices};
use countersign::store::rows::TransactionRow;

use super::entries::start;
use crate::support::databases::{Database, on_both_databases};
use crate::support::rows::{NOW, id, transaction};

on_both_databases!(
    an_unknown_id_finds_nothing,
    a_device_sees_what_is_pending_for_it,
    the_expired_are_found_oldest_first,
    deliveries_whose_lease_has_run_out_are_found_the_longest_ago_first,
);

async fn save(store: &Store, rows: &[&TransactionRow]) {
    for row in rows {
        assert!(store.commit(start(row)).await.is_ok());
    }
}

async fn an_unknown_id_finds_nothing(database: Database) {
    let store = database.store();
    let found = store
        .read(|connection| find_transaction(connection, &[7; 16]))
        .await;

    assert_eq!(found, Ok(None));
}

async fn a_device_sees_what_is_pending_for_it(database: Database) {
    let store = database.store();
    let (first, second) = (transaction(), transaction());

    let finished = TransactionRow {
        status: 1,
        ..transaction()
    };

    let elsewhere = TransactionRow {
        device_id: Some("another".to_owned()),
        ..transaction()
    };

    let mut many: Vec<_> = (0..60).map(|_| elsewhere.clone()).collect();
    for row in &mut many {
        row.id = id();
    }

    save(&store, &[&first, &second, &finished]).await;
    save(&store, &many.iter().collect::<Vec<_>>()).await;

    let devices = ["device", "another", "without"].map(str::to_owned);
    let mut found = store
        .read(move |connection| find_pending_of_devices(connection, &devices))
        .await
        .unwrap();
    found.sort_by(|left, right| right.0.cmp(&left.0));

    let mut expected = vec![first, second];
    expected.sort_by(|left, right| left.id.cmp(&right.id));
    assert_eq!(found[0], ("device".to_owned(), expected));

    many.sort_by(|left, right| left.id.cmp(&right.id));
    many.truncate(PENDING_MAX);
    assert_eq!(found[1], ("another".to_owned(), many));
    assert_eq!(found.len(), 2);
}

async fn the_expired_are_found_oldest_first(database: Database) {
    let store = database.store();

    let at = |millis| TransactionRow {
        expires_at: NOW.as_millis() + millis,
        ..transaction()
    };

    let (later, earlier, not_yet) = (at(0), at(-5), at(1));

    let finished = TransactionRow {
        status: 3,
        ..at(-9)
    };

    save(&store, &[&later, &earlier, &not_yet, &finished]).await;
    let expired =
        |limit| store.read(move |connection| find_expired_pending(connection, NOW, limit));
    assert_eq!(expired(10).await, Ok(vec![earlier.id.clone(), later.id]));
    assert_eq!(expired(1).await, Ok(vec![earlier.id]));
}

async fn deliveries_whose_lease_has_run_out_are_found_the_longest_ago_first(database: Database) {
    let store = database.store();

    let owed_until = |millis, status| TransactionRow {
        delivery_due: true,
        delivery_lease_until: NOW.as_millis() + millis,
        status,
        ..transaction()
    };

    let (earlier, later) = (owed_until(-9, 0), owed_until(0, 0));
    let delivered = TransactionRow {
        delivery_due: false,
        ..owed_until(-5, 0)
    };

    save(
        &store,
        &[
            &later,
            &earlier,
            &owed_until(1, 0),
            &owed_until(-5, 4),
            &delivered,
        ],
    )
    .await;

    let lapsed =
        |limit| store.read(move |connection| find_lapsed_deliveries(connection, NOW, limit));

    assert_eq!(lapsed(10).await, Ok(vec![earlier.clone(), later]));
    assert_eq!(lapsed(1).await, Ok(vec![earlier]));
}
