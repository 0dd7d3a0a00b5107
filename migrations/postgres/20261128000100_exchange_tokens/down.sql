ALTER TABLE access_tokens DROP COLUMN actors;
