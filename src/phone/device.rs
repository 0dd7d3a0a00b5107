//! One device of an application and what it remembers.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::connection::Connection;
use super::error::PhoneError;
use super::saved::{Saved, SavedUser, Token};
use crate::ids::{DeviceId, ProfileId, UserId};
use crate::jose::PrivateJwk;

/// A device of an application that is registered at a server. Clones are the same
/// device.
#[derive(Clone)]
pub struct Phone(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) connection: Connection,
    device_id: DeviceId,
    key: PrivateJwk,
    /// The device's own access token.
    pub(super) device_token: Mutex<Option<Token>>,
    /// Held during a refresh. If two refreshes sent the same refresh token, the server would take
    /// one of them for a thief's.
    pub(super) refresh_lock: tokio::sync::Mutex<()>,
    pub(super) saved: Mutex<Saved>,
}

impl Phone {
    /// Loads what [`Phone::save`] wrote. Blocks on reading the file.
    pub fn load(path: &Path) -> Result<Self, PhoneError> {
        let saved = Saved::read(path)?;
        Ok(Self::from_saved(Connection::new(&saved.server)?, saved))
    }

    /// Like [`Phone::load`], with a given connection to the same server.
    pub fn load_over(path: &Path, connection: Connection) -> Result<Self, PhoneError> {
        Ok(Self::from_saved(connection, Saved::read(path)?))
    }

    /// Writes everything the phone remembers, including keys and tokens, to a file that only its
    /// owner may read. Blocks on writing the file.
    pub fn save(&self, path: &Path) -> Result<(), PhoneError> {
        let saved = self.0.saved.lock().clone();
        Ok(saved.write(path)?)
    }

    /// The device's id, which is also its OAuth `client_id`.
    #[must_use]
    pub fn device_id(&self) -> &DeviceId {
        &self.0.device_id
    }

    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// The device's key pair, which is the authenticator `device`.
    #[must_use]
    pub fn key(&self) -> &PrivateJwk {
        &self.0.key
    }

    /// The user's profile on this phone, if keys are enrolled.
    #[must_use]
    pub fn profile_id(&self, user: &UserId) -> Option<ProfileId> {
        self.0.saved.lock().users.get(user)?.profile_id()
    }

    /// The users who have logged in, with their profiles if keys are enrolled.
    #[must_use]
    pub fn users(&self) -> Vec<(UserId, Option<ProfileId>)> {
        let saved = self.0.saved.lock();
        saved
            .users
            .iter()
            .map(|(id, user)| (id.clone(), user.profile_id()))
            .collect()
    }

    /// The authenticators that the user's refresh tokens are bound to: `default` (none), `pin`,
    /// `fingerprint`, `custom:ID`.
    #[must_use]
    pub fn refresh_tokens(&self, user: &UserId) -> Vec<String> {
        let saved = self.0.saved.lock();
        saved
            .users
            .get(user)
            .map(|user| user.refresh_tokens.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Changes what is remembered of a user, if anything is.
    pub(super) fn update_user(&self, user: &UserId, update: impl FnOnce(&mut SavedUser)) {
        if let Some(saved) = self.0.saved.lock().users.get_mut(user) {
            update(saved);
        }
    }

    pub(super) fn from_saved(connection: Connection, saved: Saved) -> Self {
        let (device_id, key) = (saved.device_id.clone(), saved.key.clone());
        Self(Arc::new(Inner {
            connection,
            device_id,
            key,
            device_token: Mutex::new(None),
            refresh_lock: tokio::sync::Mutex::new(()),
            saved: Mutex::new(saved),
        }))
    }
}

pub(super) fn new_key(connection: &Connection) -> Result<PrivateJwk, PhoneError> {
    PrivateJwk::generate(connection.random.as_ref()).map_err(PhoneError::Cryptography)
}
