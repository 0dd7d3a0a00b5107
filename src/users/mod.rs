//! Changes of users that the server has to follow, and the audit log's events.
//!
//! The server has no directory of users. The directory tells it when a user is disabled, enabled,
//! renamed or changes the password. Each of these ends everything that the user is logged in with,
//! on all nodes at once. A disabled user is refused everywhere until enabled again.

mod error;
pub mod events;
mod persist;

use std::sync::Arc;

use crate::base::Base;
use crate::ids::UserId;
use crate::store::StoreError;
use crate::store::rows::EventRow;
use events::{Concerning, EventType, event};
use persist::{Change, DisabledUsers};

pub use error::UserError;

/// Changes users and looks up whether they are disabled. Cheap to clone.
#[derive(Clone)]
pub struct Users(Arc<Parts>);

struct Parts {
    base: Base,
    /// For requests that commit nothing. For others the journal checks it in the commit.
    disabled: DisabledUsers,
}

impl Users {
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self(Arc::new(Parts {
            base: base.clone(),
            disabled: persist::disabled_users(&base.store),
        }))
    }

    /// Whether a user is disabled. Concurrent look-ups share one query.
    ///
    /// # Errors
    ///
    /// If the look-up fails, the caller must refuse the user.
    pub async fn is_disabled(&self, user: &UserId) -> Result<bool, StoreError> {
        Ok(self.0.disabled.find(user.to_string()).await?.is_some())
    }

    /// Disables a user and ends everything the user is logged in with.
    ///
    /// # Errors
    ///
    /// After an error, either nothing has changed or everything has, as for the following.
    pub async fn disable(&self, user: &UserId) -> Result<(), StoreError> {
        let now = self.0.base.clock.now().as_millis();
        self.end_logins(user, Change::Disable { now }, EventType::UserDisabled)
            .await
    }

    /// Enables a user again. Ends everything that was started while the user was disabled, so that
    /// the user has to log in.
    pub async fn enable(&self, user: &UserId) -> Result<(), StoreError> {
        self.end_logins(user, Change::Enable, EventType::UserEnabled)
            .await
    }

    /// Forgets the wrong answers that a user has given in a row: the user is asked again.
    pub async fn unlock(&self, user: &UserId) -> Result<(), StoreError> {
        persist::unlock(&self.0.base.store, user).await
    }

    /// Ends everything the user is logged in with, because somebody else may know the old password.
    pub async fn password_changed(&self, user: &UserId) -> Result<(), StoreError> {
        self.end_logins(user, Change::LogOut, EventType::UserPasswordChanged)
            .await
    }

    /// Ends everything a user is logged in with: pending authorizations, remembered log-ins, tokens.
    /// Enrolments remain.
    pub async fn revoke_tokens(&self, user: &UserId) -> Result<(), StoreError> {
        self.end_logins(user, Change::LogOut, EventType::UserTokensRevoked)
            .await
    }

    /// Gives a user another id and ends everything the user is logged in with. Enrolments and
    /// consents move to the new id, and a disabled user stays disabled.
    ///
    /// # Errors
    ///
    /// [`UserError::Taken`] if the new id has data of its own. Nothing has changed then.
    pub async fn rename(&self, user: &UserId, new: &UserId) -> Result<(), UserError> {
        if user == new {
            return Err(UserError::Taken);
        }
        let events = [user, new].map(|user| self.event(EventType::UserRenamed, user));
        persist::rename(&self.0.base.store, user, new, events).await
    }

    async fn end_logins(
        &self,
        user: &UserId,
        change: Change,
        event_type: EventType,
    ) -> Result<(), StoreError> {
        persist::end_logins(
            &self.0.base.store,
            user,
            change,
            self.event(event_type, user),
        )
        .await
    }

    fn event(&self, event_type: EventType, user: &UserId) -> EventRow {
        let concerning = Concerning {
            user: Some(user),
            ..Concerning::default()
        };
        event(
            event_type,
            concerning,
            self.0.base.clock.now(),
            self.0.base.random.as_ref(),
        )
    }
}
