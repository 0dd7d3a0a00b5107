ALTER TABLE authenticators DROP COLUMN failures;
DROP TABLE signing_keys;
DROP TABLE disabled_users;
DROP TABLE login_sessions;
DROP TABLE consents;
DROP TABLE device_codes;
DROP TABLE pushed_requests;
DROP TABLE authorizations;
DROP TABLE token_epochs;
DROP TABLE refresh_tokens;
DROP TABLE access_tokens;
DROP TABLE grants;

CREATE TABLE access_tokens (
    token_hash BLOB PRIMARY KEY,
    client_id TEXT NOT NULL,
    user_id TEXT,
    scope TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);
CREATE INDEX access_tokens_by_client ON access_tokens (client_id);
CREATE INDEX access_tokens_by_user ON access_tokens (user_id) WHERE user_id IS NOT NULL;

-- Pending authorization requests: first they wait for the login page, then for the code to be redeemed.
CREATE TABLE authorizations (
    id BLOB PRIMARY KEY,
    challenge_hash BLOB NOT NULL UNIQUE,
    code_hash BLOB UNIQUE,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL,
    state TEXT,
    code_challenge TEXT NOT NULL,
    status SMALLINT NOT NULL,
    user_id TEXT,
    amr TEXT,
    acr TEXT,
    token_hash BLOB,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX authorizations_by_expiry ON authorizations (expires_at);
