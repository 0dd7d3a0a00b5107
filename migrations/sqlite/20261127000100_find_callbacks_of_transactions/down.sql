DROP INDEX callbacks_by_transaction;
