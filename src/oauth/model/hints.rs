use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::login::Authentication;
use crate::clock::Timestamp;
use crate::ids::UserId;

/// What a client would have the pages know and do and how it expects the answer, and which browser
/// began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Hints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) login_hint: Option<String>,
    /// The only user who may be logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ui_locales: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acr_values: Option<String>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<String>,
    /// Recognises the browser that began: a keyed hash of its cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) browser: Option<String>,
    /// The code that an appliance shows and its user has entered, sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_code: Option<String>,
    /// Whether the answer is posted to the client, and not part of its address.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) form_post: bool,
    /// Whether the client has only one address and did not name it.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) redirect_uri_omitted: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Hints {
    /// `None` where the column cannot be read.
    pub(super) fn from_column(json: Option<&str>) -> Option<Self> {
        match json {
            Some(json) => serde_json::from_str(json).ok(),
            None => Some(Self::default()),
        }
    }

    pub(super) fn to_column(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        serde_json::to_string(self).ok()
    }

    /// Whether `prompt` has this value among its values.
    pub(crate) fn prompts(&self, value: &str) -> bool {
        self.prompt
            .as_deref()
            .is_some_and(|prompt| prompt.split(' ').any(|candidate| candidate == value))
    }

    /// Whether this user may be logged in.
    pub(crate) fn expect(&self, user: &UserId) -> bool {
        let subject = self.subject.as_deref();
        subject.is_none_or(|subject| subject == user.as_str())
    }

    /// Whether a user who was authenticated so need not log in again.
    pub(crate) fn are_met_by(&self, authentication: &Authentication, now: Timestamp) -> bool {
        let Authentication { acr, time, .. } = authentication;
        let must_ask = self.prompts("login") || self.prompts("select_account");

        let is_recent = self.max_age.is_none_or(|max_age| {
            // `max_age=0` asks for a new login, as `prompt=login` does (OpenID Connect Core
            // §3.1.2.1).
            max_age > 0 && now <= time.after(Duration::from_secs(u64::from(max_age)))
        });

        let is_strong = self.acr_values.as_deref().is_none_or(|wanted| {
            acr.as_deref()
                .is_some_and(|acr| wanted.split(' ').any(|one| one == acr))
        });

        !must_ask && is_recent && is_strong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_login_is_enough_unless_the_client_asks_for_more() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);

        let prompt = |prompt: &str| Hints {
            prompt: Some(prompt.to_owned()),
            ..Hints::default()
        };

        let max_age = |seconds| Hints {
            max_age: Some(seconds),
            ..Hints::default()
        };

        let acr = |values: &str| Hints {
            acr_values: Some(values.to_owned()),
            ..Hints::default()
        };

        for (hints, acr, now, expected) in [
            (Hints::default(), None, 1_000_000, true),
            (prompt("none"), None, 100, true),
            (prompt("consent"), None, 100, true),
            (prompt("login"), None, 100, false),
            (prompt("consent login"), None, 100, false),
            (prompt("select_account"), None, 100, false),
            (max_age(0), None, 100, false),
            (max_age(10), None, 110, true),
            (max_age(10), None, 111, false),
            (acr("gold silver"), Some("silver"), 100, true),
            (acr("gold silver"), Some("bronze"), 100, false),
            (acr("gold"), None, 100, false),
        ] {
            let authentication = Authentication {
                amr: Vec::new(),
                acr: acr.map(str::to_owned),
                time: at(100),
                claims: None,
                session: None,
            };

            assert_eq!(
                hints.are_met_by(&authentication, at(now)),
                expected,
                "{hints:?} {acr:?} {now}"
            );
        }
    }

    #[test]
    fn hints_are_stored_as_json_and_nothing_as_nothing() {
        let hints = Hints {
            login_hint: Some("a\"b".to_owned()),
            max_age: Some(7),
            ..Hints::default()
        };

        let stored = hints.to_column();
        assert_eq!(Hints::from_column(stored.as_deref()), Some(hints));

        assert_eq!(Hints::default().to_column(), None);
        assert_eq!(Hints::from_column(None), Some(Hints::default()));
        assert_eq!(Hints::from_column(Some("{")), None);
    }
}
