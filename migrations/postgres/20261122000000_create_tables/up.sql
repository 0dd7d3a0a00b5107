-- On both databases ids are UUIDs of version 7 in 16 bytes, and times are milliseconds since the epoch.

-- The settings: one JSON document for each object, with sealed secrets.
CREATE TABLE settings (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- One row. The revision of the settings, by which nodes notice changes; and a sealed text to check the master key with.
CREATE TABLE server_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    settings_revision BIGINT NOT NULL,
    key_check BYTEA
);
INSERT INTO server_state (id, settings_revision) VALUES (1, 0);

CREATE TABLE transactions (
    id BYTEA PRIMARY KEY,
    version BIGINT NOT NULL,
    client_id TEXT NOT NULL,
    type_name TEXT NOT NULL,
    method SMALLINT NOT NULL,
    status SMALLINT NOT NULL,
    reason SMALLINT,
    user_id TEXT,
    device_id TEXT,
    profile_id TEXT,
    attempts INTEGER NOT NULL,
    attempts_max INTEGER NOT NULL,
    resends INTEGER NOT NULL,
    resends_max INTEGER NOT NULL,
    delivery_due BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    finished_at BIGINT,
    callback_uri TEXT,
    content BYTEA NOT NULL,
    answer TEXT
);
CREATE INDEX transactions_pending_by_expiry ON transactions (expires_at) WHERE status = 0;
CREATE INDEX transactions_pending_by_device ON transactions (device_id) WHERE status = 0 AND device_id IS NOT NULL;
-- How often a user was prompted on a device.
CREATE INDEX transactions_by_device ON transactions (device_id, created_at) WHERE device_id IS NOT NULL;
CREATE INDEX transactions_delivery_due ON transactions (id) WHERE status = 0 AND delivery_due;
CREATE INDEX transactions_by_finish ON transactions (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE events (
    id BYTEA PRIMARY KEY,
    occurred_at BIGINT NOT NULL,
    event_type TEXT NOT NULL,
    client_id TEXT,
    user_id TEXT,
    device_id TEXT,
    transaction_id BYTEA
);

CREATE TABLE callbacks (
    id BYTEA PRIMARY KEY,
    transaction_id BYTEA NOT NULL,
    callback_uri TEXT NOT NULL,
    state SMALLINT NOT NULL,
    attempts INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    finished_at BIGINT,
    last_error TEXT
);
CREATE INDEX callbacks_due ON callbacks (due_at) WHERE state = 0;
CREATE INDEX callbacks_by_state ON callbacks (state, id);

CREATE TABLE idempotency_keys (
    client_id TEXT NOT NULL,
    key_hash BYTEA NOT NULL,
    request_hash BYTEA NOT NULL,
    transaction_id BYTEA,
    answer BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, key_hash)
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);

-- Installations of mobile applications, each an OAuth client (RFC 7591).
CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    application_id TEXT NOT NULL,
    application_version TEXT NOT NULL,
    platform TEXT NOT NULL,
    name TEXT NOT NULL,
    model TEXT,
    os_version TEXT,
    public_key TEXT NOT NULL,
    registration_token_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- A user on a device, with the key that content for the phone is encrypted for.
CREATE TABLE enrolments (
    device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (device_id, user_id),
    UNIQUE (device_id, profile_id)
);
CREATE INDEX enrolments_by_user ON enrolments (user_id);

-- Authenticators of a user on a device, with their keys: pin, fingerprint, custom:ID.
CREATE TABLE authenticators (
    device_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (device_id, user_id, name),
    FOREIGN KEY (device_id, user_id) REFERENCES enrolments (device_id, user_id) ON DELETE CASCADE
);

-- The push address of an installation, which its users share.
CREATE TABLE push_addresses (
    device_id TEXT PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    transport TEXT NOT NULL,
    address BYTEA,
    address_hash BYTEA,
    registered_at BIGINT NOT NULL,
    dead_since BIGINT
);
CREATE UNIQUE INDEX push_addresses_by_hash ON push_addresses (address_hash) WHERE address_hash IS NOT NULL;

-- The users of an installation who are enrolled for push. In single-device mode a user has one row for each application;
-- slot is then '', otherwise it is the device id.
CREATE TABLE push_enrolments (
    device_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    slot TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (device_id, user_id),
    UNIQUE (user_id, application_id, slot),
    FOREIGN KEY (device_id, user_id) REFERENCES enrolments (device_id, user_id) ON DELETE CASCADE
);

-- The ids of client assertions that were used (RFC 7523 §3: jti), until the assertions expire.
CREATE TABLE assertion_ids (
    client_id TEXT NOT NULL,
    jti_hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, jti_hash)
);
CREATE INDEX assertion_ids_by_expiry ON assertion_ids (expires_at);

CREATE TABLE access_tokens (
    token_hash BYTEA PRIMARY KEY,
    client_id TEXT NOT NULL,
    user_id TEXT,
    scope TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);
CREATE INDEX access_tokens_by_client ON access_tokens (client_id);
CREATE INDEX access_tokens_by_user ON access_tokens (user_id) WHERE user_id IS NOT NULL;

-- Pending authorization requests: first they wait for the login page, then for the code to be redeemed.
CREATE TABLE authorizations (
    id BYTEA PRIMARY KEY,
    challenge_hash BYTEA NOT NULL UNIQUE,
    code_hash BYTEA UNIQUE,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL,
    state TEXT,
    code_challenge TEXT NOT NULL,
    status SMALLINT NOT NULL,
    user_id TEXT,
    amr TEXT,
    acr TEXT,
    token_hash BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX authorizations_by_expiry ON authorizations (expires_at);
