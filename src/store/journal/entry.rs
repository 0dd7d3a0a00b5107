//! What is handed to the journal.

use super::super::rows::{
    AccessTokenRow, AssertionIdRow, AuthenticatorKey, AuthenticatorTry, AuthorizationRow,
    AuthorizationStep, CallbackRow, CodeRedemption, EventRow, GrantRow, IdempotencyRow,
    RefreshRotation, RefreshTokenRow, TransactionRow, TransactionUpdate,
};

/// One change, committed whole or not at all: a condition and what is written when it holds.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// In whose name it happens; where the user is disabled it does not.
    pub user: Option<String>,
    /// What must not have been seen before, and counts as seen from now on even when the guard does
    /// not hold.
    pub assertions: Vec<AssertionIdRow>,
    /// The condition, which is a write itself.
    pub guard: Guard,
    /// Written when the guard held.
    pub inserts: Vec<Insert>,
}

/// The one condition of an [`Entry`]. Where it does not hold the outcome is [`Outcome::Refused`]
/// and nothing is written.
#[derive(Clone, Debug, Default)]
pub enum Guard {
    #[default]
    None,
    /// The transaction still has the version the change was decided on.
    Transaction(Box<TransactionUpdate>),
    /// The key is new.
    IdempotencyKey(Box<IdempotencyRow>),
    /// The authorization still has the status the step was decided on.
    Authorization(Box<AuthorizationStep>),
    /// The authorization's code was not exchanged yet.
    Code(Box<CodeRedemption>),
    /// The device's code was not exchanged yet.
    DeviceCode(Box<CodeRedemption>),
    /// The refresh token is still the last one.
    RefreshToken(Box<RefreshRotation>),
    /// There is a try left: one more is counted, before anybody looks whether it succeeds.
    AuthenticatorTry(Box<AuthenticatorTry>),
}

/// What is written without a condition of its own.
#[derive(Clone, Debug)]
pub enum Insert {
    /// A transaction starts.
    Transaction(Box<TransactionRow>),
    /// An event for the audit log.
    Event(Box<EventRow>),
    /// A callback to send.
    Callback(Box<CallbackRow>),
    /// The idempotency key that asked for the guarded change.
    IdempotencyKey(Box<IdempotencyRow>),
    /// A client asks for a user to be logged in.
    Authorization(Box<AuthorizationRow>),
    /// A user logged in at a client.
    Grant(Box<GrantRow>),
    /// A family of refresh tokens begins.
    RefreshToken(Box<RefreshTokenRow>),
    /// A token was issued.
    AccessToken(Box<AccessTokenRow>),
    /// An authenticator's try succeeded: no failures are counted any more.
    AuthenticatorSuccess(Box<AuthenticatorKey>),
}

/// What became of an [`Entry`] that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Durable.
    Committed,
    /// The guard did not hold; nothing was written but that the assertions were seen.
    Refused,
    /// An assertion was seen before; nothing else was written.
    Replayed,
    /// The user is disabled; nothing was written.
    UserDisabled,
}

impl Entry {
    /// How many rows it writes when its guard holds.
    pub(super) fn rows(&self) -> usize {
        let guard = match self.guard {
            Guard::None => 0,
            Guard::Transaction(_)
            | Guard::IdempotencyKey(_)
            | Guard::Authorization(_)
            | Guard::Code(_)
            | Guard::DeviceCode(_)
            | Guard::RefreshToken(_)
            | Guard::AuthenticatorTry(_) => 1,
        };
        self.assertions.len() + guard + self.inserts.len()
    }
}
