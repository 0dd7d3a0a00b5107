-- The result of a transaction is kept for as long as a callback may still point to it.
CREATE INDEX callbacks_by_transaction ON callbacks (transaction_id);
