-- How many devices have registered in an hour, from a source and in all. The source is a keyed hash, and empty for all.
CREATE TABLE registration_counts (
    source BLOB NOT NULL,
    hour BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (source, hour)
) WITHOUT ROWID;
CREATE INDEX registration_counts_by_hour ON registration_counts (hour);
-- Since when a device has not been used: NULL once a user has logged in on it.
ALTER TABLE devices ADD COLUMN unused_since BIGINT;
CREATE INDEX devices_by_disuse ON devices (unused_since) WHERE unused_since IS NOT NULL;
