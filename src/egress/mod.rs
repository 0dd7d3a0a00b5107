//! Calls to the outside: bounded HTTP clients, the outgoing proxy, what a provider's failure means,
//! how providers are kept apart, and how long a message is tried.

mod breaker;
mod bulkhead;
mod cause;
mod client;
mod delivery;
mod documents;
mod failure;
mod retry;

pub use bulkhead::{AsFailure, Bulkheads};
pub use cause::Cause;
pub use client::{Egress, EgressSettings, InvalidEgress, ProxySettings};
pub(crate) use client::{PROVIDER_BODY_BYTES_MAX, read_body, retry_after, retry_after_seconds};
pub use delivery::{Delivery, DeliveryLease, DeliveryOutcome, LeaseUnknown, Unsent};
pub use documents::Documents;
pub use failure::{FailureKind, ProviderFailure};
