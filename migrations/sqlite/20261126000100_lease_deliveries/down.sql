CREATE INDEX transactions_delivery_due ON transactions (id) WHERE status = 0 AND delivery_due;
DROP INDEX transactions_delivery_lapsed;
ALTER TABLE transactions DROP COLUMN delivered;
ALTER TABLE transactions DROP COLUMN delivery_lease_until;
ALTER TABLE transactions DROP COLUMN delivery_fence;
ALTER TABLE transactions DROP COLUMN delivery_progress;
