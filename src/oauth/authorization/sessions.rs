//! What a browser carries for the token server: a login that is remembered, and what it is
//! recognised by meanwhile.
//!
//! Whoever has a user open an address that ends a log-in begun elsewhere could have the user's
//! browser remember somebody else: so a login is remembered by the browser only that began it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::hints::Hints;
use super::persist;
use crate::clock::Timestamp;
use crate::ids::uuid_v7;
use crate::oauth::TokenServer;
use crate::secret::{OpaqueToken, SecretString, TokenKind, constant_time_eq};
use crate::store::StoreError;
use crate::store::rows::{AuthorizationRow, LoginSessionRow};

/// How long a browser remembers a login.
pub const SESSION_TIME_TO_LIVE: Duration = Duration::from_secs(30 * 86_400);

/// What a browser has sent: the values of our cookies.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// The login it remembers.
    pub session: Option<SecretString>,
    /// What it is recognised by when it comes back from the login page.
    pub recognition: Option<SecretString>,
}

/// What a browser is to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowserCookie {
    /// A login, for [`SESSION_TIME_TO_LIVE`]. A secret.
    Session(SecretString),
    /// What it is recognised by, until it is closed. A secret.
    Recognition(SecretString),
}

/// Where a browser goes on to, and what it takes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    pub address: String,
    /// To be kept, if anything.
    pub cookie: Option<BrowserCookie>,
}

impl Redirect {
    /// Goes there, with nothing.
    pub(super) const fn to(address: String) -> Self {
        Self {
            address,
            cookie: None,
        }
    }
}

impl TokenServer {
    /// The login that a browser remembers, if that does for a client that asks this.
    pub(super) async fn remembered_login(
        &self,
        browser: &Browser,
        hints: &Hints,
    ) -> Result<Option<LoginSessionRow>, StoreError> {
        let Some(session) = &browser.session else {
            return Ok(None);
        };
        let hash = self
            .0
            .base
            .keyring
            .token_hash(TokenKind::LoginSession, session.expose());
        let now = self.0.base.clock.now();
        let session = persist::find_session(&self.0.base.store, hash).await?;
        Ok(session.filter(|session| {
            let auth_time = Timestamp::from_millis(session.auth_time);
            now.as_millis() < session.expires_at
                && hints.are_met_by(auth_time, session.acr.as_deref(), now)
        }))
    }

    /// Recognises the browser later: what of it is stored, and what it is to keep unless it has
    /// that already.
    pub(super) fn recognition(&self, browser: &Browser) -> (String, Option<BrowserCookie>) {
        if let Some(known) = browser
            .recognition
            .as_ref()
            .filter(|known| known.expose().len() == 43)
        {
            return (self.recognition_hash(known), None);
        }
        let fresh = OpaqueToken::new(
            &self.0.base.keyring,
            TokenKind::Browser,
            self.0.base.random.as_ref(),
        )
        .text;
        (
            self.recognition_hash(&fresh),
            Some(BrowserCookie::Recognition(fresh)),
        )
    }

    /// Whether this is the browser that began.
    pub(super) fn is_recognised(&self, browser: &Browser, hints: &Hints) -> bool {
        let presented = browser
            .recognition
            .as_ref()
            .map(|presented| self.recognition_hash(presented));
        presented
            .zip(hints.browser.as_ref())
            .is_some_and(|(left, right)| constant_time_eq(left.as_bytes(), right.as_bytes()))
    }

    fn recognition_hash(&self, value: &SecretString) -> String {
        URL_SAFE_NO_PAD.encode(
            self.0
                .base
                .keyring
                .token_hash(TokenKind::Browser, value.expose()),
        )
    }

    /// A login to be remembered, and what the browser keeps of it.
    pub(super) fn new_session(
        &self,
        row: &AuthorizationRow,
        now: Timestamp,
    ) -> Option<(LoginSessionRow, BrowserCookie)> {
        let session = OpaqueToken::new(
            &self.0.base.keyring,
            TokenKind::LoginSession,
            self.0.base.random.as_ref(),
        );
        let stored = LoginSessionRow {
            id: uuid_v7(now, self.0.base.random.as_ref())
                .into_bytes()
                .to_vec(),
            session_hash: session.hash.to_vec(),
            user_id: row.user_id.clone()?,
            amr: row.amr.clone(),
            acr: row.acr.clone(),
            auth_time: row.auth_time.unwrap_or(now.as_millis()),
            expires_at: now.after(SESSION_TIME_TO_LIVE).as_millis(),
        };
        Some((stored, BrowserCookie::Session(session.text)))
    }
}
