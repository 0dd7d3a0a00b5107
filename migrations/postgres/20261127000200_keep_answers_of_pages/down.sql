ALTER TABLE grants DROP COLUMN claims;
ALTER TABLE login_sessions DROP COLUMN claims;
ALTER TABLE device_codes DROP COLUMN claims;
ALTER TABLE authorizations DROP COLUMN claims;
ALTER TABLE authorizations DROP COLUMN reason;
