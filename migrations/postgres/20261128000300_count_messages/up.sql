-- How many text messages were sent within a window of time: to a number, to a user, for a website and in all, by a keyed hash of
-- which it is. The window is named by its first second.
CREATE TABLE message_counts (
    key BYTEA NOT NULL,
    window_start BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (key, window_start)
);
CREATE INDEX message_counts_by_window ON message_counts (window_start);
