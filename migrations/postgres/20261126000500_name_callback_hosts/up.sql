-- Host and port of the address: a host that has enough callbacks in flight is passed over, whatever the paths are. Empty in
-- rows that are older.
ALTER TABLE callbacks ADD COLUMN host TEXT NOT NULL DEFAULT '';
