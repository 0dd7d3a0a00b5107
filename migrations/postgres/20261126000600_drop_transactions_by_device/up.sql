-- Prompts were found by it. They are rows of their own now, and each transaction that is started would still pay for it.
DROP INDEX transactions_by_device;
