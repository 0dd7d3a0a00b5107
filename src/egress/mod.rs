//! Calls to the outside: bounded HTTP clients, the outgoing proxy, what a provider's failure means,
//! and how long a message is tried.

mod client;
mod delivery;
mod failure;
mod retry;

pub use client::{Egress, EgressSettings, InvalidEgress, ProxySettings};
pub(crate) use client::{PROVIDER_BODY_BYTES_MAX, read_body, retry_after};
pub use delivery::{Delivery, DeliveryLease, DeliveryOutcome, LeaseUnknown, Unsent};
pub use failure::{FailureKind, ProviderFailure};
