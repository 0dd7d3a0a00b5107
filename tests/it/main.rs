//! Integration tests: real parts put together, as few stand-ins as possible.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::large_futures,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may panic"
)]

mod api;
mod callbacks;
mod cli;
mod demo;
mod devices;
mod failures;
mod foreign;
mod oauth;
mod phone;
mod providers;
mod settings;
mod store;
mod support;
mod transactions;
