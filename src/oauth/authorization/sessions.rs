//! Logins that browsers remember, and how a browser is recognised meanwhile.
//!
//! An attacker could have a user open an address that ends a login begun elsewhere, so that the
//! user's browser goes on as somebody else. So a login goes on, and is remembered, in the browser
//! that began it only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::browser::{Browser, BrowserCookie};
use super::persist::{self, NewSession};
use crate::base::Base;
use crate::ids::LoginSessionId;
use crate::oauth::model::{Hints, Login, LoginSession};
use crate::secret::{OpaqueToken, SecretString, TokenKind, constant_time_eq};
use crate::store::StoreError;

/// The length of the cookie a browser is recognised by.
const RECOGNITION_CHARACTERS: usize = 43;

/// How often at most it is noted, within the idle time, that a login was of use.
const USES_NOTED_IN_IDLE_TIME: u32 = 20;

/// Remembers logins by cookies.
pub(super) struct Sessions {
    pub(super) base: Base,
}

impl Sessions {
    /// The login that a browser remembers, if that is enough for a client with these hints.
    pub(super) async fn find_login(
        &self,
        browser: &Browser,
        hints: &Hints,
    ) -> Result<Option<LoginSession>, StoreError> {
        let now = self.base.clock.now();
        let is_enough = |session: &LoginSession| {
            hints.expect(&session.login.user_id)
                && hints.are_met_by(&session.login.authentication, now)
        };
        let Some(session) = self.find(browser).await?.filter(is_enough) else {
            return Ok(None);
        };

        // Not with every use: that would be a write each time, and nobody needs it so exactly.
        let idle = self.base.settings.load().tokens.session_idle();
        if session.used_at.after(idle / USES_NOTED_IN_IDLE_TIME) <= now {
            persist::use_session(&self.base.store, session.id, now).await?;
        }

        Ok(Some(session))
    }

    /// The session of a browser, unless its time is over.
    pub(super) async fn find(&self, browser: &Browser) -> Result<Option<LoginSession>, StoreError> {
        let Some(cookie) = &browser.session else {
            return Ok(None);
        };
        let session = persist::find_session(&self.base.store, self.session_hash(cookie)).await?;

        let (now, settings) = (self.base.clock.now(), self.base.settings.load());
        let idle = settings.tokens.session_idle();
        let is_alive =
            |session: &LoginSession| now < session.expires_at && now < session.used_at.after(idle);
        Ok(session.filter(is_alive))
    }

    /// A session to be stored, which takes the place of the browser's, and the browser's cookie.
    pub(super) fn begin(&self, browser: &Browser, login: Login) -> (NewSession, BrowserCookie) {
        let (now, random) = (self.base.clock.now(), self.base.random.as_ref());
        let lifetime = self.base.settings.load().tokens.session_max();
        let OpaqueToken { text, hash } =
            OpaqueToken::new(&self.base.keyring, TokenKind::LoginSession, random);

        let new = NewSession {
            session: LoginSession {
                id: LoginSessionId::new(now, random),
                login,
                expires_at: now.after(lifetime),
                used_at: now,
            },
            hash,
            replaces: browser
                .session
                .as_ref()
                .map(|cookie| self.session_hash(cookie)),
        };

        (new, BrowserCookie::Session(text, lifetime))
    }

    /// What recognises the browser later: the hash to store, and the cookie to keep unless it has
    /// one already.
    pub(super) fn recognition(&self, browser: &Browser) -> (String, Option<BrowserCookie>) {
        // One that the browser has is kept: several logins may be under way in it, and each must
        // find it again.
        if let Some(known) = self.recognised(browser) {
            return (known, None);
        }

        let random = self.base.random.as_ref();
        let fresh = OpaqueToken::new(&self.base.keyring, TokenKind::Browser, random).text;
        let hash = self.recognition_hash(&fresh);
        (hash, Some(BrowserCookie::Recognition(fresh)))
    }

    /// What a browser is recognised by that has been here before.
    pub(super) fn recognised(&self, browser: &Browser) -> Option<String> {
        // A text of another length is none of this server's.
        let known = browser
            .recognition
            .as_ref()
            .filter(|known| known.expose().len() == RECOGNITION_CHARACTERS);

        known.map(|known| self.recognition_hash(known))
    }

    /// Whether this is the browser that began.
    pub(super) fn is_recognised(&self, browser: &Browser, hints: &Hints) -> bool {
        let (Some(presented), Some(expected)) = (&browser.recognition, &hints.browser) else {
            return false;
        };
        let presented = self.recognition_hash(presented);

        constant_time_eq(presented.as_bytes(), expected.as_bytes())
    }

    fn recognition_hash(&self, cookie: &SecretString) -> String {
        let hash = self
            .base
            .keyring
            .token_hash(TokenKind::Browser, cookie.expose());
        URL_SAFE_NO_PAD.encode(hash)
    }

    fn session_hash(&self, cookie: &SecretString) -> [u8; 32] {
        self.base
            .keyring
            .token_hash(TokenKind::LoginSession, cookie.expose())
    }
}
