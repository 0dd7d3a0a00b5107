-- The remembered log-in that a client's log-in came from: the `sid` of ID tokens.
ALTER TABLE authorizations ADD COLUMN session_id BYTEA;
ALTER TABLE grants ADD COLUMN session_id BYTEA;

-- The clients that are told when a remembered log-in ends (OpenID Connect Back-Channel Logout).
CREATE TABLE session_clients (
    session_id BYTEA NOT NULL,
    client_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (session_id, client_id)
);
CREATE INDEX session_clients_by_expires_at ON session_clients (expires_at);

-- What a callback says that is not about a transaction.
ALTER TABLE callbacks ADD COLUMN logout_token TEXT;
