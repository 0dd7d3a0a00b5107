-- The clients that act for the user of a token that was exchanged: a JSON array, the last one first.
ALTER TABLE access_tokens ADD COLUMN actors TEXT;
