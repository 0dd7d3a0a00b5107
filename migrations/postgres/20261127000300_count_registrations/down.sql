DROP INDEX devices_by_disuse;
ALTER TABLE devices DROP COLUMN unused_since;
DROP TABLE registration_counts;
