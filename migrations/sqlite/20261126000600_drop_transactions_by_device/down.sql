CREATE INDEX transactions_by_device ON transactions (device_id, created_at) WHERE device_id IS NOT NULL;
