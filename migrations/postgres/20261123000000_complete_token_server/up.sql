-- Access tokens and authorizations live for minutes, so existing ones are not migrated.
DROP TABLE authorizations;
DROP TABLE access_tokens;

-- A grant: one log-in of a user at a client. All tokens of the log-in depend on this row and are invalid without it.
CREATE TABLE grants (
    id BYTEA PRIMARY KEY,
    client_id TEXT NOT NULL,
    application_id TEXT,
    user_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    resource_server TEXT,
    amr TEXT,
    acr TEXT,
    auth_time BIGINT NOT NULL,
    client_epoch BIGINT NOT NULL,
    resource_epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX grants_by_user ON grants (user_id, client_id, id);
CREATE INDEX grants_by_client ON grants (client_id);
CREATE INDEX grants_by_expiry ON grants (expires_at);

-- All access tokens, including JWTs. The id is the first part of an opaque token and the jti of a JWT. Only JWTs have a
-- signing algorithm.
CREATE TABLE access_tokens (
    id BYTEA PRIMARY KEY,
    token_hash BYTEA,
    grant_id BYTEA,
    client_id TEXT NOT NULL,
    application_id TEXT,
    user_id TEXT,
    scope TEXT NOT NULL,
    resource_server TEXT,
    jkt TEXT,
    signing_algorithm TEXT,
    client_epoch BIGINT NOT NULL,
    resource_epoch BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);
CREATE INDEX access_tokens_by_user ON access_tokens (user_id, client_id, grant_id, id) WHERE user_id IS NOT NULL;
-- The own tokens of installations.
CREATE INDEX access_tokens_of_installations ON access_tokens (client_id) WHERE application_id IS NOT NULL AND grant_id IS NULL;

-- Families of refresh tokens, one for each authenticator of a grant. The generation tells which token is the latest.
CREATE TABLE refresh_tokens (
    id BYTEA PRIMARY KEY,
    grant_id BYTEA NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    authenticator TEXT NOT NULL,
    jkt TEXT,
    generation INTEGER NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (grant_id, authenticator)
);

-- How often everything issued to a client, to an application or for a resource server was revoked at once. Grants and tokens
-- of an earlier epoch are invalid.
CREATE TABLE token_epochs (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Pending authorization requests: they wait for the login page, for consent, then for the code to be redeemed.
CREATE TABLE authorizations (
    id BYTEA PRIMARY KEY,
    challenge_hash BYTEA NOT NULL UNIQUE,
    code_hash BYTEA UNIQUE,
    client_id TEXT NOT NULL,
    redirect_uri TEXT,
    scope TEXT NOT NULL,
    resource_server TEXT,
    state TEXT,
    nonce TEXT,
    code_challenge TEXT,
    jkt TEXT,
    hints TEXT,
    device_code_id BYTEA,
    status SMALLINT NOT NULL,
    user_id TEXT,
    amr TEXT,
    acr TEXT,
    auth_time BIGINT,
    grant_id BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX authorizations_by_expiry ON authorizations (expires_at);
CREATE INDEX authorizations_by_client ON authorizations (client_id);
CREATE INDEX authorizations_by_user ON authorizations (user_id) WHERE user_id IS NOT NULL;

-- Pushed authorization requests (RFC 9126).
CREATE TABLE pushed_requests (
    request_hash BYTEA PRIMARY KEY,
    client_id TEXT NOT NULL,
    parameters TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);

-- Device codes (RFC 8628): requests of appliances that wait for their user.
CREATE TABLE device_codes (
    id BYTEA PRIMARY KEY,
    device_code_hash BYTEA NOT NULL UNIQUE,
    user_code_hash BYTEA NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    resource_server TEXT,
    status SMALLINT NOT NULL,
    user_id TEXT,
    amr TEXT,
    acr TEXT,
    auth_time BIGINT,
    interval_seconds INTEGER NOT NULL,
    polled_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);
CREATE INDEX device_codes_by_user ON device_codes (user_id) WHERE user_id IS NOT NULL;

-- The consents of users, for a web client or for an application on all of the user's devices.
CREATE TABLE consents (
    id BYTEA PRIMARY KEY,
    user_id TEXT NOT NULL,
    client TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (user_id, client)
);

-- Log-ins that browsers remember.
CREATE TABLE login_sessions (
    id BYTEA PRIMARY KEY,
    session_hash BYTEA NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    amr TEXT,
    acr TEXT,
    auth_time BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires_at);
CREATE INDEX login_sessions_by_user ON login_sessions (user_id);

-- Disabled users.
CREATE TABLE disabled_users (
    user_id TEXT PRIMARY KEY,
    disabled_at BIGINT NOT NULL
);

-- The keys that sign tokens. Private keys are sealed.
CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    private_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    active_from BIGINT NOT NULL,
    published_until BIGINT
);

-- Consecutive wrong proofs.
ALTER TABLE authenticators ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
