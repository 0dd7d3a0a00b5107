//! Rows to write, with nothing special about them.

use countersign::clock::Timestamp;
use countersign::ids::uuid_v7;
use countersign::random::SystemRandom;
use countersign::store::journal::{Entry, Guard, Insert};
use countersign::store::rows::{
    AccessTokenRow, AssertionIdRow, CallbackRow, EventRow, IdempotencyRow, TransactionRow,
    TransactionUpdate, callback_state,
};

/// Some day in 2026.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

pub(super) fn id() -> Vec<u8> {
    id_at(NOW)
}

pub(super) fn id_at(time: Timestamp) -> Vec<u8> {
    uuid_v7(time, &SystemRandom).into_bytes().to_vec()
}

pub(super) fn transaction() -> TransactionRow {
    TransactionRow {
        id: id(),
        version: 0,
        client_id: "portal".to_owned(),
        type_name: "login".to_owned(),
        method: 0,
        status: 0,
        reason: None,
        user_id: Some("alice".to_owned()),
        device_id: Some("device".to_owned()),
        profile_id: None,
        attempts: 0,
        attempts_max: 3,
        resends: 0,
        resends_max: 1,
        delivery_due: false,
        created_at: NOW.as_millis(),
        expires_at: NOW.as_millis() + 120_000,
        finished_at: None,
        callback_uri: Some("https://portal.example/callback".to_owned()),
        content: vec![0, 1, 255],
        answer: None,
    }
}

/// A wrong answer: one attempt more.
pub(super) fn attempt(row: &TransactionRow) -> TransactionUpdate {
    TransactionUpdate {
        id: row.id.as_slice().try_into().expect("16 bytes"),
        expected_version: row.version,
        status: 0,
        reason: None,
        attempts: row.attempts + 1,
        resends: row.resends,
        delivery_due: false,
        finished_at: None,
        answer: None,
        user_id: None,
        device_id: None,
        profile_id: None,
    }
}

pub(super) fn event(transaction_id: &[u8]) -> EventRow {
    EventRow {
        id: id(),
        occurred_at: NOW.as_millis(),
        event_type: "PUSH_AUTH_INITIALIZED".to_owned(),
        client_id: Some("portal".to_owned()),
        user_id: Some("alice".to_owned()),
        device_id: None,
        transaction_id: Some(transaction_id.to_vec()),
    }
}

pub(super) fn callback(transaction_id: &[u8]) -> CallbackRow {
    CallbackRow {
        id: id(),
        transaction_id: transaction_id.to_vec(),
        callback_uri: "https://portal.example/callback".to_owned(),
        state: callback_state::DUE,
        attempts: 0,
        created_at: NOW.as_millis(),
        due_at: NOW.as_millis(),
        lease_until: 0,
        fence: 0,
        finished_at: None,
        last_error: None,
    }
}

pub(super) fn idempotency_key(key: u8) -> IdempotencyRow {
    IdempotencyRow {
        client_id: "portal".to_owned(),
        key_hash: vec![key; 32],
        request_hash: vec![1; 32],
        transaction_id: None,
        answer: None,
        created_at: NOW.as_millis(),
        expires_at: NOW.as_millis() + 86_400_000,
    }
}

pub(super) fn assertion_id(jti: u8) -> AssertionIdRow {
    AssertionIdRow {
        client_id: "device".to_owned(),
        jti_hash: vec![jti; 32],
        expires_at: NOW.as_millis() + 60_000,
    }
}

pub(super) fn access_token(hash: u8) -> AccessTokenRow {
    AccessTokenRow {
        id: vec![hash; 16],
        token_hash: Some(vec![hash; 32]),
        grant_id: None,
        client_id: "device".to_owned(),
        application_id: None,
        user_id: None,
        scope: "device".to_owned(),
        resource_server: None,
        jkt: None,
        signing_algorithm: Some("ES256".to_owned()),
        issued_at: NOW.as_millis(),
        expires_at: NOW.as_millis() + 60_000,
    }
}

/// A transaction and the event of its start.
pub(super) fn start(row: &TransactionRow) -> Entry {
    let event = Insert::Event(Box::new(event(&row.id)));
    Entry {
        inserts: vec![Insert::Transaction(Box::new(row.clone())), event],
        ..Entry::default()
    }
}

/// A change of a transaction and its event.
pub(super) fn change(update: TransactionUpdate) -> Entry {
    let event = Insert::Event(Box::new(event(&update.id)));
    Entry {
        guard: Guard::Transaction(Box::new(update)),
        inserts: vec![event],
        ..Entry::default()
    }
}
