//! Queries: functions that take a connection, so that they compose in a transaction. One file for each group of tables.
