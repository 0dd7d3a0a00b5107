ALTER TABLE login_sessions DROP COLUMN used_at;
