-- A message that is owed to a user belongs to the start or the resend that owes it: it is delivered by whoever holds the
-- lease, and the fence tells later holders from earlier ones.
ALTER TABLE transactions ADD COLUMN delivery_progress SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE transactions ADD COLUMN delivery_fence BIGINT NOT NULL DEFAULT 0;
ALTER TABLE transactions ADD COLUMN delivery_lease_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE transactions ADD COLUMN delivered BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX transactions_delivery_lapsed ON transactions (delivery_lease_until) WHERE status = 0 AND delivery_due;
DROP INDEX transactions_delivery_due;
