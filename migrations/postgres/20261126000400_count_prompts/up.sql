-- Each push that asks a user on a device, first or sent again: written in the commit that owes it, and counted there. Kept for an
-- hour.
CREATE TABLE prompts (
    id BYTEA PRIMARY KEY,
    device_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    prompted_at BIGINT NOT NULL
);
CREATE INDEX prompts_of_device ON prompts (device_id, prompted_at);
