//! The statements: their text does not depend on the number of rows, so that each is prepared once
//! for a connection.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Text};
use diesel::{PgConnection, QueryResult, RunQueryDsl};

use super::super::columns::{
    Element, epochs_of_u, insert_access_tokens, insert_grants, set_statement,
};
use crate::store::rows::{
    AccessTokenRow, AssertionIdRow, AuthenticatorKey, AuthenticatorTry, AuthorizationRow,
    AuthorizationStep, CallbackRow, CodeRedemption, EventRow, GrantRow, IdBytes, IdempotencyRow,
    RefreshRotation, RefreshTokenRow, TransactionRow, TransactionUpdate,
};

set_statement! {
    /// Saves transactions whose version is still the expected one; returns the ordinals of these.
    UpdateTransactions over TransactionUpdate:
    "UPDATE transactions AS t SET \
       version = t.version + 1, status = u.status, reason = u.reason, attempts = u.attempts, resends = u.resends, \
       delivery_due = u.delivery_due, finished_at = u.finished_at, answer = COALESCE(u.answer, t.answer), \
       user_id = COALESCE(u.user_id, t.user_id), device_id = COALESCE(u.device_id, t.device_id), \
       profile_id = COALESCE(u.profile_id, t.profile_id) FROM ",
    " WITH ORDINALITY AS u (id, expected_version, status, reason, attempts, resends, delivery_due, finished_at, answer, \
       user_id, device_id, profile_id, ordinal) \
     WHERE t.id = u.id AND t.version = u.expected_version RETURNING u.ordinal" => BigInt;
    {
        id: [u8; 16],
        expected_version: i64,
        status: i16,
        reason: Option<i16>,
        attempts: i32,
        resends: i32,
        delivery_due: bool,
        finished_at: Option<i64>,
        answer: Option<String>,
        user_id: Option<String>,
        device_id: Option<String>,
        profile_id: Option<String>,
    }
}

set_statement! {
    /// Takes idempotency keys that are new, or whose last use has expired and was not swept yet.
    InsertIdempotencyKeys over IdempotencyRow:
    "INSERT INTO idempotency_keys \
       (client_id, key_hash, request_hash, transaction_id, answer, created_at, expires_at) SELECT * FROM ",
    " ON CONFLICT (client_id, key_hash) DO UPDATE SET request_hash = excluded.request_hash, \
       transaction_id = excluded.transaction_id, answer = excluded.answer, created_at = excluded.created_at, \
       expires_at = excluded.expires_at \
     WHERE idempotency_keys.expires_at <= excluded.created_at RETURNING client_id, key_hash" => (Text, Binary);
    {
        client_id: String,
        key_hash: Vec<u8>,
        request_hash: Vec<u8>,
        transaction_id: Option<IdBytes>,
        answer: Option<Vec<u8>>,
        created_at: i64,
        expires_at: i64,
    }
}

set_statement! {
    /// Takes assertion ids that are new.
    InsertAssertionIds over AssertionIdRow:
    "INSERT INTO assertion_ids (client_id, jti_hash, expires_at) SELECT * FROM ",
    " ON CONFLICT DO NOTHING RETURNING client_id, jti_hash" => (Text, Binary);
    { client_id: String, jti_hash: Vec<u8>, expires_at: i64 }
}

set_statement! {
    /// New transactions.
    InsertTransactions over TransactionRow:
    "INSERT INTO transactions (id, version, client_id, type_name, method, status, reason, user_id, device_id, profile_id, \
       attempts, attempts_max, resends, resends_max, delivery_due, created_at, expires_at, finished_at, callback_uri, \
       content, answer) SELECT * FROM ",
    "";
    {
        id: IdBytes,
        version: i64,
        client_id: String,
        type_name: String,
        method: i16,
        status: i16,
        reason: Option<i16>,
        user_id: Option<String>,
        device_id: Option<String>,
        profile_id: Option<String>,
        attempts: i32,
        attempts_max: i32,
        resends: i32,
        resends_max: i32,
        delivery_due: bool,
        created_at: i64,
        expires_at: i64,
        finished_at: Option<i64>,
        callback_uri: Option<String>,
        content: Vec<u8>,
        answer: Option<String>,
    }
}

set_statement! {
    /// New events.
    InsertEvents over EventRow:
    "INSERT INTO events (id, occurred_at, event_type, client_id, user_id, device_id, transaction_id) SELECT * FROM ",
    "";
    {
        id: IdBytes,
        occurred_at: i64,
        event_type: String,
        client_id: Option<String>,
        user_id: Option<String>,
        device_id: Option<String>,
        transaction_id: Option<IdBytes>,
    }
}

set_statement! {
    /// New callbacks.
    InsertCallbacks over CallbackRow:
    "INSERT INTO callbacks (id, transaction_id, callback_uri, state, attempts, created_at, due_at, lease_until, fence, \
       finished_at, last_error) SELECT * FROM ",
    "";
    {
        id: IdBytes,
        transaction_id: IdBytes,
        callback_uri: String,
        state: i16,
        attempts: i32,
        created_at: i64,
        due_at: i64,
        lease_until: i64,
        fence: i64,
        finished_at: Option<i64>,
        last_error: Option<String>,
    }
}

set_statement! {
    /// New authorizations.
    InsertAuthorizations over AuthorizationRow:
    "INSERT INTO authorizations (id, challenge_hash, code_hash, client_id, redirect_uri, scope, resource_server, state, \
       nonce, code_challenge, jkt, hints, device_code_id, status, user_id, amr, acr, auth_time, grant_id, created_at, \
       expires_at) SELECT * FROM ",
    "";
    {
        id: IdBytes,
        challenge_hash: Vec<u8>,
        code_hash: Option<Vec<u8>>,
        client_id: String,
        redirect_uri: Option<String>,
        scope: String,
        resource_server: Option<String>,
        state: Option<String>,
        nonce: Option<String>,
        code_challenge: Option<String>,
        jkt: Option<String>,
        hints: Option<String>,
        device_code_id: Option<IdBytes>,
        status: i16,
        user_id: Option<String>,
        amr: Option<String>,
        acr: Option<String>,
        auth_time: Option<i64>,
        grant_id: Option<IdBytes>,
        created_at: i64,
        expires_at: i64,
    }
}

set_statement! {
    /// Takes authorizations a step further that still have the expected status; returns the
    /// ordinals of these.
    StepAuthorizations over AuthorizationStep:
    "UPDATE authorizations AS t SET status = u.status, challenge_hash = u.challenge_hash, code_hash = u.code_hash, \
       scope = u.scope, user_id = u.user_id, amr = u.amr, acr = u.acr, auth_time = u.auth_time, \
       expires_at = u.expires_at FROM ",
    " WITH ORDINALITY AS u (id, expected_status, status, challenge_hash, code_hash, scope, user_id, amr, acr, auth_time, \
       expires_at, ordinal) \
     WHERE t.id = u.id AND t.status = u.expected_status RETURNING u.ordinal" => BigInt;
    {
        id: IdBytes,
        expected_status: i16,
        status: i16,
        challenge_hash: Vec<u8>,
        code_hash: Option<Vec<u8>>,
        scope: String,
        user_id: Option<String>,
        amr: Option<String>,
        acr: Option<String>,
        auth_time: Option<i64>,
        expires_at: i64,
    }
}

set_statement! {
    /// Marks codes as exchanged; returns the ordinals of those that were not.
    RedeemCodes over CodeRedemption:
    "UPDATE authorizations AS t SET status = u.status, grant_id = u.grant_id FROM ",
    " WITH ORDINALITY AS u (id, expected_status, status, grant_id, ordinal) \
     WHERE t.id = u.id AND t.status = u.expected_status RETURNING u.ordinal" => BigInt;
    { id: IdBytes, expected_status: i16, status: i16, grant_id: Option<IdBytes> }
}

set_statement! {
    /// Marks devices' codes as exchanged; returns the ordinals of those that were not.
    RedeemDeviceCodes over CodeRedemption:
    "UPDATE device_codes AS t SET status = u.status FROM ",
    " WITH ORDINALITY AS u (id, expected_status, status, ordinal) \
     WHERE t.id = u.id AND t.status = u.expected_status RETURNING u.ordinal" => BigInt;
    { id: IdBytes, expected_status: i16, status: i16 }
}

set_statement! {
    /// Rotates refresh tokens that are still the last ones; returns the ordinals of these.
    RotateRefreshTokens over RefreshRotation:
    "UPDATE refresh_tokens AS t SET \
       generation = u.generation + 1, issued_at = u.issued_at, expires_at = u.expires_at FROM ",
    " WITH ORDINALITY AS u (id, generation, issued_at, expires_at, ordinal) \
     WHERE t.id = u.id AND t.generation = u.generation RETURNING u.ordinal" => BigInt;
    { id: IdBytes, generation: i32, issued_at: i64, expires_at: i64 }
}

set_statement! {
    /// Counts tries where there is one left; returns the ordinals of these.
    CountTries over AuthenticatorTry:
    "UPDATE authenticators AS t SET failures = t.failures + 1 FROM ",
    " WITH ORDINALITY AS u (device_id, user_id, name, failures_max, ordinal) \
     WHERE t.device_id = u.device_id AND t.user_id = u.user_id AND t.name = u.name AND t.failures < u.failures_max \
     RETURNING u.ordinal" => BigInt;
    { device_id: String, user_id: String, name: String, failures_max: i32 }
}

set_statement! {
    /// Forgets failures after a success.
    ForgetFailures over AuthenticatorKey:
    "UPDATE authenticators AS t SET failures = 0 FROM ",
    " AS u (device_id, user_id, name) \
     WHERE t.device_id = u.device_id AND t.user_id = u.user_id AND t.name = u.name";
    { device_id: String, user_id: String, name: String }
}

set_statement! {
    /// New grants, under the epochs of now.
    InsertGrants over GrantRow:
    insert_grants!(),
    concat!(
        " AS u (id, client_id, application_id, user_id, scope, resource_server, amr, acr, auth_time, created_at, expires_at)",
        epochs_of_u!()
    );
    {
        id: IdBytes,
        client_id: String,
        application_id: Option<String>,
        user_id: String,
        scope: String,
        resource_server: Option<String>,
        amr: Option<String>,
        acr: Option<String>,
        auth_time: i64,
        created_at: i64,
        expires_at: i64,
    }
}

set_statement! {
    /// New families of refresh tokens.
    InsertRefreshTokens over RefreshTokenRow:
    "INSERT INTO refresh_tokens (id, grant_id, authenticator, jkt, generation, issued_at, expires_at) SELECT * FROM ",
    "";
    {
        id: IdBytes,
        grant_id: IdBytes,
        authenticator: String,
        jkt: Option<String>,
        generation: i32,
        issued_at: i64,
        expires_at: i64,
    }
}

set_statement! {
    /// New access tokens, under the epochs of now.
    InsertAccessTokens over AccessTokenRow:
    insert_access_tokens!(),
    concat!(
        " AS u (id, token_hash, grant_id, client_id, application_id, user_id, scope, resource_server, jkt, \
           signing_algorithm, issued_at, expires_at)",
        epochs_of_u!()
    );
    {
        id: IdBytes,
        token_hash: Option<Vec<u8>>,
        grant_id: Option<IdBytes>,
        client_id: String,
        application_id: Option<String>,
        user_id: Option<String>,
        scope: String,
        resource_server: Option<String>,
        jkt: Option<String>,
        signing_algorithm: Option<String>,
        issued_at: i64,
        expires_at: i64,
    }
}
