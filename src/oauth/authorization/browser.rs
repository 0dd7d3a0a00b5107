use std::time::Duration;

use crate::secret::SecretString;

/// The cookies of ours that a browser has sent.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// The login it remembers.
    pub session: Option<SecretString>,
    /// What it is recognised by when it returns from the login page.
    pub recognition: Option<SecretString>,
}

/// A cookie that a browser is to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowserCookie {
    /// A login, and for how long it is remembered.
    Session(SecretString, Duration),
    /// In place of a login that has ended.
    NoSession,
    /// What the browser is recognised by, until it is closed.
    Recognition(SecretString),
}

/// Where a browser goes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    pub address: String,
    /// What the browser posts there; `None` where it only goes there.
    pub form: Option<Vec<(&'static str, String)>>,
    pub cookie: Option<BrowserCookie>,
}

impl Redirect {
    /// Without a cookie.
    pub(super) const fn to(address: String) -> Self {
        Self {
            address,
            form: None,
            cookie: None,
        }
    }
}
