//! The store against real databases: what it promises, and what happens when a database fails.

mod callbacks;
mod child;
mod crash;
mod entries;
mod full;
mod idempotency;
mod journal;
mod locks;
mod outage;
mod plans;
mod schema;
mod sqlite;
mod sweep;
mod tokens;
mod transactions;
mod writes;
