//! Rows to write, with nothing special about them. A test names only what matters to it:
//! `TransactionRow { status: 1, ..rows::transaction() }`.

use countersign::clock::Timestamp;
use countersign::ids::uuid_v7;
use countersign::random::SystemRandom;
use countersign::store::journal::TransactionUpdate;
use countersign::store::rows::{
    AccessTokenRow, AssertionIdRow, CallbackRow, EventRow, GrantRow, IdempotencyRow,
    RefreshTokenRow, TransactionRow,
};

/// Some day in 2026. What expires does so later.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

pub(crate) fn id() -> Vec<u8> {
    id_at(NOW)
}

pub(crate) fn id_at(time: Timestamp) -> Vec<u8> {
    uuid_v7(time, &SystemRandom).into_bytes().to_vec()
}

pub(crate) fn transaction() -> TransactionRow {
    TransactionRow {
        id: id(),
        client_id: "portal".to_owned(),
        type_name: "login".to_owned(),
        user_id: Some("alice".to_owned()),
        device_id: Some("device".to_owned()),
        attempts_max: 3,
        resends_max: 1,
        created_at: NOW.as_millis(),
        expires_at: NOW.as_millis() + 120_000,
        callback_uri: Some("https://portal.example/callback".to_owned()),
        content: vec![0, 1, 255],
        ..TransactionRow::default()
    }
}

/// A wrong answer: one attempt more.
pub(crate) fn attempt(row: &TransactionRow) -> TransactionUpdate {
    TransactionUpdate {
        id: row.id.as_slice().try_into().expect("16 bytes"),
        expected_version: row.version,
        attempts: row.attempts + 1,
        resends: row.resends,
        ..TransactionUpdate::default()
    }
}

pub(crate) fn event(transaction_id: &[u8]) -> EventRow {
    EventRow {
        id: id(),
        occurred_at: NOW.as_millis(),
        event_type: "PUSH_AUTH_INITIALIZED".to_owned(),
        client_id: Some("portal".to_owned()),
        user_id: Some("alice".to_owned()),
        transaction_id: Some(transaction_id.to_vec()),
        ..EventRow::default()
    }
}

/// A callback that is due.
pub(crate) fn callback(transaction_id: &[u8]) -> CallbackRow {
    CallbackRow {
        id: id(),
        transaction_id: transaction_id.to_vec(),
        callback_uri: "https://portal.example/callback".to_owned(),
        created_at: NOW.as_millis(),
        due_at: NOW.as_millis(),
        ..CallbackRow::default()
    }
}

pub(crate) fn idempotency_key(key: u8) -> IdempotencyRow {
    IdempotencyRow {
        client_id: "portal".to_owned(),
        key_hash: vec![key; 32],
        request_hash: vec![1; 32],
        created_at: NOW.as_millis(),
        expires_at: NOW.as_millis() + 86_400_000,
        ..IdempotencyRow::default()
    }
}

pub(crate) fn assertion_id(jti: u8) -> AssertionIdRow {
    AssertionIdRow {
        client_id: "device".to_owned(),
        jti_hash: vec![jti; 32],
        expires_at: NOW.as_millis() + 60_000,
    }
}

/// A login of a user at the web client `shop`.
pub(crate) fn grant(user: &str) -> GrantRow {
    GrantRow {
        id: id(),
        client_id: "shop".to_owned(),
        user_id: user.to_owned(),
        scope: "orders".to_owned(),
        auth_time: NOW.as_millis(),
        created_at: NOW.as_millis(),
        expires_at: NOW.as_millis() + 60_000,
        ..GrantRow::default()
    }
}

/// A token that rests on a grant, or the client's own.
pub(crate) fn access_token(grant: Option<&GrantRow>) -> AccessTokenRow {
    let client_id = grant.map_or("shop", |grant| &grant.client_id);
    let scope = grant.map_or("orders", |grant| &grant.scope);

    AccessTokenRow {
        id: id(),
        token_hash: Some(vec![1; 32]),
        grant_id: grant.map(|grant| grant.id.clone()),
        client_id: client_id.to_owned(),
        application_id: grant.and_then(|grant| grant.application_id.clone()),
        user_id: grant.map(|grant| grant.user_id.clone()),
        scope: scope.to_owned(),
        issued_at: NOW.as_millis(),
        expires_at: NOW.as_millis() + 60_000,
        ..AccessTokenRow::default()
    }
}

/// A family of refresh tokens that rests on a grant.
pub(crate) fn refresh_token(grant: &GrantRow) -> RefreshTokenRow {
    RefreshTokenRow {
        id: id(),
        grant_id: grant.id.clone(),
        authenticator: "default".to_owned(),
        issued_at: NOW.as_millis(),
        expires_at: grant.expires_at,
        ..RefreshTokenRow::default()
    }
}
