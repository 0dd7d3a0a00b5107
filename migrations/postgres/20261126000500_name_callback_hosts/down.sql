ALTER TABLE callbacks DROP COLUMN host;
