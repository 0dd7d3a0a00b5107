//! The reference phone: the device protocol as a client library.
//!
//! It does what a mobile application does, key by key and call by call, and serves the tests, the
//! demo, the benchmark and other people's integration tests. Its keys lie in a file or in memory,
//! not in secure hardware: it is no authenticator for real users.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use countersign::ids::UserId;
//! use countersign::phone::{ApiLoginPage, Connection, Phone, PhoneProfile, PushTransport};
//! use std::time::Duration;
//!
//! let connection = Connection::new(&"http://127.0.0.1:8080".parse()?)?;
//! let login_page = ApiLoginPage::new(connection.clone(), "portal", "secret".to_owned().into());
//! let phone = Phone::register(connection, &PhoneProfile::new("bank", "1.0", "android").named("Alice's phone")).await?;
//! let alice: UserId = "alice".parse()?;
//! phone.log_in(&login_page, &alice, "bank://login").await?;
//! phone.enrol(&alice).await?;
//! phone.enrol_push(&alice, PushTransport::Poll).await?;
//! for pending in phone.pending(Duration::from_secs(30)).await? {
//!     let transaction = phone.fetch(pending.transaction_id).await?;
//!     phone.accept(&transaction).await?;
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod authenticators;
mod connection;
mod enrolment;
mod error;
mod log_in;
mod pin;
mod refresh;
mod registration;
mod saved;
mod tokens;
mod transactions;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

pub use answer::{AnswerClaims, Decision, content_digest};
pub use connection::Connection;
pub use enrolment::PushTransport;
pub use error::{PhoneError, Refusal};
pub use log_in::{ApiLoginPage, LogIn, LoginPage};
pub use refresh::Proof;
pub use registration::PhoneProfile;
pub use transactions::{FetchedTransaction, PendingTransaction};

use crate::ids::{DeviceId, ProfileId, UserId};
use crate::jose::PrivateJwk;
use saved::{Saved, SavedUser, Token};

/// One installation of an application, registered at a server. Clones are the same installation.
#[derive(Clone)]
pub struct Phone(Arc<Inner>);

struct Inner {
    connection: Connection,
    device_id: DeviceId,
    key: PrivateJwk,
    device_token: Mutex<Option<Token>>,

    /// Held by who refreshes: two at once would mistake each other for thieves.
    refreshing: tokio::sync::Mutex<()>,
    saved: Mutex<Saved>,
}

impl Phone {
    /// Goes on with what [`Phone::save`] wrote. Reads a file: not for an async thread.
    pub fn load(path: &Path) -> Result<Self, PhoneError> {
        let saved = Saved::read(path)?;
        Ok(Self::from_saved(Connection::new(&saved.server)?, saved))
    }

    /// The same over a connection of one's own, which has to go to the same server.
    pub fn load_over(path: &Path, connection: Connection) -> Result<Self, PhoneError> {
        Ok(Self::from_saved(connection, Saved::read(path)?))
    }

    /// Writes everything the phone remembers, keys and tokens included, to a file that only its
    /// owner may read. Writes a file: not for an async thread.
    pub fn save(&self, path: &Path) -> Result<(), PhoneError> {
        let saved = self.0.saved.lock().clone();
        Ok(saved.write(path)?)
    }

    /// The installation's id, its OAuth `client_id`.
    #[must_use]
    pub fn device_id(&self) -> &DeviceId {
        &self.0.device_id
    }

    /// The way to the server.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// The installation's key pair, the authenticator `device`.
    #[must_use]
    pub fn key(&self) -> &PrivateJwk {
        &self.0.key
    }

    /// What the server calls this user on this phone, if keys are enrolled.
    #[must_use]
    pub fn profile_id(&self, user: &UserId) -> Option<ProfileId> {
        self.0
            .saved
            .lock()
            .users
            .get(user)?
            .enrolment
            .as_ref()
            .map(|enrolment| enrolment.profile_id)
    }

    /// Those who have logged in, with their profiles where keys are enrolled.
    #[must_use]
    pub fn users(&self) -> Vec<(UserId, Option<ProfileId>)> {
        let profile = |user: &SavedUser| {
            user.enrolment
                .as_ref()
                .map(|enrolment| enrolment.profile_id)
        };

        self.0
            .saved
            .lock()
            .users
            .iter()
            .map(|(id, user)| (id.clone(), profile(user)))
            .collect()
    }

    /// Which refresh tokens a user has on this phone, by the authenticator they belong to:
    /// `default` (none), `pin`, `fingerprint`, `custom:ID`.
    #[must_use]
    pub fn refresh_tokens(&self, user: &UserId) -> Vec<String> {
        let saved = self.0.saved.lock();
        saved
            .users
            .get(user)
            .map(|user| user.refresh_tokens.keys().cloned().collect())
            .unwrap_or_default()
    }

    fn from_saved(connection: Connection, saved: Saved) -> Self {
        let (device_id, key) = (saved.device_id.clone(), saved.key.clone());
        Self(Arc::new(Inner {
            connection,
            device_id,
            key,
            device_token: Mutex::new(None),
            refreshing: tokio::sync::Mutex::new(()),
            saved: Mutex::new(saved),
        }))
    }
}

fn new_key(connection: &Connection) -> Result<PrivateJwk, PhoneError> {
    PrivateJwk::generate(connection.random.as_ref()).map_err(PhoneError::Cryptography)
}
