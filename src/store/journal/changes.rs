//! Every change that the journal writes, each described once.
//!
//! A description says which columns a change has, which row it concerns, under which condition it
//! is carried out and what it does. From it follow the statements for both databases
//! ([`statement`](super::statement)) and which changes may share a batch ([`batch`](super::batch)).
//!
//! - A new column of a row needs no word here: the struct in [`rows`](crate::store::rows) is the
//!   list. A column that an update sets is one more field of that update.
//! - A new guarded change is an [`update!`] and a line in [`Guard`].

use diesel::QueryResult;

use super::action::{Action, Change, update};
use super::write::write;
use crate::store::connection::Connection;
use crate::store::record::{Key, Record};
use crate::store::rows::{
    AccessTokenRow, AssertionIdRow, AuthorizationRow, CallbackRow, EventRow, GrantRow, IdBytes,
    IdempotencyRow, PromptRow, PushedRequestRow, RefreshTokenRow, TransactionRow,
};

impl Change for TransactionRow {
    const ACTION: Action = Action::Insert;
}

impl Change for EventRow {
    const ACTION: Action = Action::Insert;
}

impl Change for PromptRow {
    const ACTION: Action = Action::Insert;
}

impl Change for CallbackRow {
    const ACTION: Action = Action::Insert;
}

impl Change for AuthorizationRow {
    const ACTION: Action = Action::Insert;
}

impl Change for PushedRequestRow {
    const ACTION: Action = Action::Insert;
}

impl Change for RefreshTokenRow {
    const ACTION: Action = Action::Insert;
}

impl Change for GrantRow {
    const ACTION: Action = Action::InsertUnderEpochs;
}

impl Change for AccessTokenRow {
    const ACTION: Action = Action::InsertUnderEpochs;
}

impl Change for AssertionIdRow {
    const ACTION: Action = Action::Claim { over: None };
}

/// A key that has expired counts as free, even before it is swept.
impl Change for IdempotencyRow {
    const ACTION: Action = Action::Claim {
        over: Some("t.expires_at <= excluded.created_at"),
    };
}

update! {
    /// A change of a transaction, refused unless the row still has the version it was decided on.
    pub struct TransactionUpdate of transactions {
        key { id: [u8; 16] }
        guard "t.version =" { expected_version: i64 }
        change "version = t.version + 1"
        set {
            status: i16,
            reason: Option<i16>,
            attempts: i32,
            resends: i32,
            finished_at: Option<i64>,
        }
        set_unless_null {
            answer: Option<String>,
            user_id: Option<String>,
            device_id: Option<String>,
            profile_id: Option<String>,
            delivery_due: Option<bool>,
            delivery_progress: Option<i16>,
            delivery_fence: Option<i64>,
            delivery_lease_until: Option<i64>,
        }
    }
}

update! {
    /// How the delivery of a message stands, refused unless the message is still owed and the fence
    /// is still `fence`. The version stays: no decision about the transaction depends on it.
    pub struct DeliveryStep of transactions {
        key { id: [u8; 16] }
        guard "t.status = 0 AND t.delivery_due AND t.delivery_fence =" { fence: i64 }
        set_unless_null {
            delivery_due: Option<bool>,
            delivery_progress: Option<i16>,
            delivery_lease_until: Option<i64>,
            delivered: Option<bool>,
        }
    }
}

update! {
    /// The takeover of a delivery whose lease has run out, refused unless the message is still owed
    /// and the fence is still `fence`. The version rises, so that whoever decides on an older row
    /// reads again.
    pub struct DeliveryTakeover of transactions {
        key { id: [u8; 16] }
        guard "t.status = 0 AND t.delivery_due AND t.delivery_fence =" { fence: i64 }
        change "version = t.version + 1"
        change "delivery_fence = t.delivery_fence + 1"
        set { delivery_progress: i16, delivery_lease_until: i64 }
    }
}

update! {
    /// A step of an authorization, refused unless the row still has the status it was decided on.
    pub struct AuthorizationStep of authorizations {
        key { id: IdBytes }
        guard "t.status =" { expected_status: i16 }
        set {
            status: i16,
            challenge_hash: Vec<u8>,
            code_hash: Option<Vec<u8>>,
            scope: String,
            user_id: Option<String>,
            amr: Option<String>,
            acr: Option<String>,
            auth_time: Option<i64>,
            claims: Option<String>,
            session_id: Option<IdBytes>,
            reason: Option<String>,
            expires_at: i64,
        }
    }
}

impl AuthorizationStep {
    /// The step from a row of this status to `row`.
    #[must_use]
    pub fn new(expected_status: i16, row: AuthorizationRow) -> Self {
        Self {
            id: row.id,
            expected_status,
            status: row.status,
            challenge_hash: row.challenge_hash,
            code_hash: row.code_hash,
            scope: row.scope,
            user_id: row.user_id,
            amr: row.amr,
            acr: row.acr,
            auth_time: row.auth_time,
            claims: row.claims,
            session_id: row.session_id,
            reason: row.reason,
            expires_at: row.expires_at,
        }
    }
}

update! {
    /// The exchange of a code for a grant, refused unless the row still has `expected_status`. The row
    /// is kept for as long as the grant, so that a second use of the code is noticed.
    pub struct CodeRedemption of authorizations {
        key { id: IdBytes }
        guard "t.status =" { expected_status: i16 }
        set {
            status: i16,
            /// None for a code that was burnt.
            grant_id: Option<IdBytes>,
        }
        set_unless_null { expires_at: Option<i64> }
    }
}

update! {
    /// The exchange of a device code (RFC 8628) for a grant, refused unless the row still has
    /// `expected_status`.
    pub struct DeviceCodeRedemption of device_codes {
        key { id: IdBytes }
        guard "t.status =" { expected_status: i16 }
        set { status: i16 }
    }
}

update! {
    /// A poll of an appliance, refused where it has polled since it was read.
    pub struct DevicePoll of device_codes {
        key { id: IdBytes }
        // In SQL nothing equals null, which stands before the first poll.
        guard "t.polled_at IS NOT DISTINCT FROM" { expected_polled_at: Option<i64> }
        set {
            polled_at: i64,
            /// How long it has to wait from now on.
            interval_seconds: i32,
        }
    }
}

update! {
    /// The rotation of a family of refresh tokens, refused unless `generation` is still the last.
    pub struct RefreshRotation of refresh_tokens {
        key { id: IdBytes }
        guard "t.generation =" { generation: i32 }
        change "generation = t.generation + 1"
        set { issued_at: i64, expires_at: i64 }
    }
}

update! {
    /// An attempt with an authenticator, refused when none is left. It is counted before anybody
    /// checks whether it succeeds.
    pub struct AuthenticatorTry of authenticators {
        key { device_id: String, user_id: String, name: String }
        guard "t.failures <" {
            /// The most attempts without a success, this one included.
            failures_max: i32,
        }
        change "failures = t.failures + 1"
    }
}

update! {
    /// A successful attempt with an authenticator: failures are forgotten.
    pub struct AuthenticatorSuccess of authenticators {
        key { device_id: String, user_id: String, name: String }
        change "failures = 0"
    }
}

update! {
    /// The first log-in of a user on a device: from now on it is kept.
    pub struct DeviceUse of devices {
        key { id: String }
        change "unused_since = NULL"
    }
}

/// Declares an enum over kinds of changes. They are written in the order of its variants.
macro_rules! kinds {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident { $($(#[$doc:meta])* $variant:ident($change:ty),)+ }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug)]
        pub enum $name { $($(#[$doc])* $variant(Box<$change>),)+ }

        impl $name {
            /// Writes all changes, kind by kind. Each comes with a position of the caller's; the
            /// positions of those that were refused are returned.
            pub(super) fn write_all(
                connection: &mut Connection,
                changes: &[(usize, &Self)],
            ) -> QueryResult<Vec<usize>> {
                let mut refused = Vec::new();
                $(
                    let of_kind = changes.iter().filter_map(|(position, change)| match change {
                        Self::$variant(change) => Some((*position, &**change)),
                        _ => None,
                    });
                    refused.extend(write::<$change>(connection, of_kind.collect())?);
                )+
                Ok(refused)
            }

            /// The row that the change concerns: its table and key.
            pub(super) fn concerns(&self) -> (&'static str, Key<'_>) {
                match self {
                    $(Self::$variant(change) => (<$change>::TABLE, change.key()),)+
                }
            }
        }

        $(impl From<$change> for $name {
            fn from(change: $change) -> Self {
                Self::$variant(Box::new(change))
            }
        })+
    };
}

kinds! {
    /// A change that happens only if its condition holds; the whole entry depends on it.
    pub enum Guard {
        /// The transaction has the version that the change was decided on.
        Transaction(TransactionUpdate),
        /// The message is still owed by who delivers it.
        Delivery(DeliveryStep),
        /// Nobody else has taken the delivery over.
        DeliveryTakeover(DeliveryTakeover),
        /// The authorization has the status that the step was decided on.
        Authorization(AuthorizationStep),
        /// The code has not been exchanged.
        Code(CodeRedemption),
        /// The device code has not been exchanged.
        DeviceCode(DeviceCodeRedemption),
        /// The appliance has not polled since.
        DevicePoll(DevicePoll),
        /// The refresh token is the last of its family.
        RefreshToken(RefreshRotation),
        /// An attempt is left.
        AuthenticatorTry(AuthenticatorTry),
        /// The idempotency key is new.
        IdempotencyKey(IdempotencyRow),
    }
}

kinds! {
    /// What is written along with a guard, or without one.
    pub enum Insert {
        /// The idempotency key that asked for the guarded change. It must be new.
        IdempotencyKey(IdempotencyRow),
        Transaction(TransactionRow),
        /// An event for the audit log.
        Event(EventRow),
        /// A callback to send.
        Callback(CallbackRow),
        Authorization(AuthorizationRow),
        PushedRequest(PushedRequestRow),
        Grant(GrantRow),
        RefreshToken(RefreshTokenRow),
        AccessToken(AccessTokenRow),
        AuthenticatorSuccess(AuthenticatorSuccess),
        DeviceUse(DeviceUse),
    }
}

#[cfg(test)]
mod tests {
    use diesel::debug_query;
    use diesel::pg::Pg;
    use diesel::sqlite::Sqlite;

    use super::super::statement::Statement;
    use super::super::values::{Arrays, InPlace};
    use super::*;

    /// The statements of a kind of change: PostgreSQL's and SQLite's.
    fn texts<C: Change + Default>() -> (String, String) {
        let change = C::default();
        let together = Statement::<C, _, ()>::new(Arrays::of(&[&change]));
        let each = Statement::<C, _, ()>::new(InPlace(&change));

        let text = |query: String| query.split(" -- binds").next().unwrap().to_owned();

        (
            text(debug_query::<Pg, _>(&together).to_string()),
            text(debug_query::<Sqlite, _>(&each).to_string()),
        )
    }

    #[test]
    fn an_update_is_one_text_with_values_from_two_sources() {
        let (postgres, sqlite) = texts::<RefreshRotation>();
        assert_eq!(
            postgres,
            "UPDATE refresh_tokens AS t SET generation = t.generation + 1, \
             issued_at = u.issued_at, expires_at = u.expires_at \
             FROM unnest($1, $2, $3, $4) WITH ORDINALITY \
             AS u (id, generation, issued_at, expires_at, ordinal) \
             WHERE t.id = u.id AND t.generation = u.generation RETURNING u.ordinal"
        );

        assert_eq!(
            sqlite,
            "UPDATE refresh_tokens AS t SET generation = t.generation + 1, \
             issued_at = ?, expires_at = ? WHERE t.id = ? AND t.generation = ?"
        );
    }

    #[test]
    fn null_leaves_some_columns_as_they_are() {
        let (postgres, sqlite) = texts::<TransactionUpdate>();
        assert!(
            postgres
                .contains(", finished_at = u.finished_at, answer = COALESCE(u.answer, t.answer)")
        );

        assert!(sqlite.contains(", finished_at = ?, answer = COALESCE(?, t.answer)"));
    }

    #[test]
    fn a_claim_replaces_what_has_expired() {
        let (postgres, sqlite) = texts::<IdempotencyRow>();

        let claim = " ON CONFLICT (client_id, key_hash) DO UPDATE SET \
             request_hash = excluded.request_hash, transaction_id = excluded.transaction_id, \
             answer = excluded.answer, created_at = excluded.created_at, \
             expires_at = excluded.expires_at WHERE t.expires_at <= excluded.created_at";
        assert!(postgres.ends_with(&format!("{claim} RETURNING client_id, key_hash")));
        assert!(sqlite.ends_with(claim));
    }

    #[test]
    fn grants_are_made_under_the_epochs_of_now() {
        let (postgres, sqlite) = texts::<GrantRow>();

        let columns = "INSERT INTO grants (id, client_id, application_id, user_id, scope, \
             resource_server, amr, acr, auth_time, claims, session_id, created_at, expires_at, \
             client_epoch, resource_epoch) SELECT u.id, ";
        assert!(postgres.starts_with(columns) && sqlite.starts_with(columns));
        assert!(sqlite.contains(" FROM (SELECT ? AS id, ? AS client_id, "));
    }
}
