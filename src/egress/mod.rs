//! Calls to the outside: HTTP clients with bounds and the outgoing proxy, and what a provider's
//! failure means.

mod client;
mod failure;
mod retry;

pub use client::{Egress, EgressSettings, InvalidEgress, ProxySettings};
pub(crate) use client::{PROVIDER_BODY_BYTES_MAX, read_body, retry_after};
pub use failure::{FailureKind, ProviderFailure};
pub use retry::retry_at;
