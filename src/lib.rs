//! Countersign asks people on their phones whether an action is really theirs, and issues the
//! tokens their apps need.
//!
//! `ARCHITECTURE.md` tells how the parts fit together; each module's own documentation repeats only
//! its part.

pub mod api;
pub mod app;
pub mod base;
pub mod callbacks;
pub mod cli;
pub mod clock;
pub mod config;
pub mod devices;
pub mod egress;
pub mod ids;
pub mod jose;
pub mod oauth;
pub mod otp;
mod percent;
pub mod phone;
pub mod platform;
pub mod push;
pub mod random;
pub mod retention;
pub mod runtime;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod secret;
pub mod server;
pub mod settings;
pub mod sms;
pub mod store;
pub mod telemetry;
pub mod transactions;
mod typed;
pub mod users;
