//! What distinguishes the stand-ins from each other.

use super::exchange::{Answer, Request};
use super::fault::{Fault, Provider};
use super::shared::State;

/// How one stand-in treats requests.
pub(super) struct Behaviour {
    pub(super) provider: Provider,
    /// The push address, phone number or path that a request is for.
    pub(super) recipient: fn(&Request) -> String,
    /// Checks a request and answers it like the provider does.
    pub(super) answer: fn(&State, &Request) -> Answer,
    /// The answer to a request that has to fail with this status.
    pub(super) fail: fn(&State, &Fault, u16) -> Answer,
}
