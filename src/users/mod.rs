//! Users, as far as the server knows them: what happened to them, and what becomes of them
//! elsewhere.
//!
//! The server keeps no directory. Whoever does tells it when somebody is disabled, enabled again,
//! gets another id or another password; each time everything the user is logged in with ends, on
//! all nodes at once. A disabled user is refused at every door, until enabled.

pub mod events;
mod persist;

use std::sync::Arc;

use crate::clock::Clock;
use crate::ids::UserId;
use crate::random::SharedRandom;
use crate::store::rows::EventRow;
use crate::store::{Store, StoreError};
use events::{Concerning, EventType, event};
use persist::{Change, DisabledUsers};

/// Devices that a user who is renamed may be enrolled on: far above what people have.
const RENAMED_DEVICES_MAX: i64 = 1_000;

/// Why nothing became of a user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The new id has something of its own, or is the old one. `409`.
    #[error("The new user id is in use already: what two users have is not mixed.")]
    Taken,
    /// The user is enrolled on more devices than are moved at once. `409`.
    #[error("The user is enrolled on more than {RENAMED_DEVICES_MAX} devices.")]
    TooManyDevices,
    /// The database; see there whether something may have been changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything about users. Clones share one store.
#[derive(Clone)]
pub struct Users(Arc<Parts>);

struct Parts {
    store: Store,
    clock: Clock,
    random: SharedRandom,
    /// For the doors where nothing is committed: the journal looks for itself.
    disabled: DisabledUsers,
}

impl Users {
    /// Users as they are in this store.
    #[must_use]
    pub fn new(store: Store, clock: Clock, random: SharedRandom) -> Self {
        let disabled = persist::disabled_users(&store);
        Self(Arc::new(Parts {
            store,
            clock,
            random,
            disabled,
        }))
    }

    /// Whether a user may do nothing. The reads of all who ask at a time are one.
    ///
    /// # Errors
    /// Whoever cannot find out must not let the user pass.
    pub async fn is_disabled(&self, user: &UserId) -> Result<bool, StoreError> {
        Ok(self.0.disabled.find(user.to_string()).await?.is_some())
    }

    /// Has a user refused everywhere from now on, and ends everything the user is logged in with.
    ///
    /// # Errors
    /// Nothing has happened, or all of it.
    pub async fn disable(&self, user: &UserId) -> Result<(), StoreError> {
        let now = self.0.clock.now().as_millis();
        self.end_logins(user, Change::Disable { now }, EventType::UserDisabled)
            .await
    }

    /// Lets a user log in again. What came about meanwhile, refused as it was, ends: nobody is
    /// logged in without logging in.
    ///
    /// # Errors
    /// Nothing has happened, or all of it.
    pub async fn enable(&self, user: &UserId) -> Result<(), StoreError> {
        self.end_logins(user, Change::Enable, EventType::UserEnabled)
            .await
    }

    /// The user has another password: who knew the old one is logged in no more.
    ///
    /// # Errors
    /// Nothing has happened, or all of it.
    pub async fn password_changed(&self, user: &UserId) -> Result<(), StoreError> {
        self.end_logins(user, Change::LogOut, EventType::UserPasswordChanged)
            .await
    }

    /// Ends everything a user is logged in with: authorizations on their way, remembered logins,
    /// tokens. What is enrolled stays.
    ///
    /// # Errors
    /// Nothing has happened, or all of it.
    pub async fn revoke_tokens(&self, user: &UserId) -> Result<(), StoreError> {
        self.end_logins(user, Change::LogOut, EventType::UserTokensRevoked)
            .await
    }

    /// Gives a user another id. Everything the user is logged in with ends; what is enrolled on
    /// devices, and what the user has consented to, is the new id's from now on, and a disabled
    /// user stays disabled.
    ///
    /// # Errors
    /// [`UserError::Taken`] where the new id has anything of its own; nothing has happened then.
    pub async fn rename(&self, user: &UserId, new: &UserId) -> Result<(), UserError> {
        if user == new {
            return Err(UserError::Taken);
        }
        let events = [user, new].map(|user| self.event(EventType::UserRenamed, user));
        persist::rename(&self.0.store, user, new, events).await
    }

    async fn end_logins(
        &self,
        user: &UserId,
        change: Change,
        event_type: EventType,
    ) -> Result<(), StoreError> {
        persist::end_logins(&self.0.store, user, change, self.event(event_type, user)).await
    }

    fn event(&self, event_type: EventType, user: &UserId) -> EventRow {
        let concerning = Concerning {
            user: Some(user),
            ..Concerning::default()
        };
        event(
            event_type,
            concerning,
            self.0.clock.now(),
            self.0.random.as_ref(),
        )
    }
}
