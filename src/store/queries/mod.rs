//! Queries: functions that take a connection, so that they compose in a transaction. There is one
//! file for each group of tables.

pub mod authorizations;
pub mod callbacks;
pub mod consents;
pub mod device_codes;
pub mod devices;
pub mod events;
pub mod failures;
pub mod idempotency;
pub mod listing;
pub mod login_sessions;
pub mod message_counts;
pub mod prompts;
pub mod pushed_requests;
pub mod registrations;
pub mod settings;
pub mod signing_keys;
pub mod sweep;
pub mod tokens;
pub mod transactions;
mod unique;
pub mod users;
pub mod waiting;
