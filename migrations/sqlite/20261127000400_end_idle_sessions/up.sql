-- When a remembered log-in was last of use: one that nobody uses ends before its time.
ALTER TABLE login_sessions ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
UPDATE login_sessions SET used_at = auth_time;
