-- How many wrong answers in a row a user has given by a channel, whatever transactions they were for. No row: none.
CREATE TABLE user_failures (
    user_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (user_id, channel)
);
