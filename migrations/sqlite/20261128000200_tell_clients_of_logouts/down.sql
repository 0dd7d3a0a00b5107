DELETE FROM callbacks WHERE logout_token IS NOT NULL;
ALTER TABLE callbacks DROP COLUMN logout_token;
DROP TABLE session_clients;
ALTER TABLE grants DROP COLUMN session_id;
ALTER TABLE authorizations DROP COLUMN session_id;
