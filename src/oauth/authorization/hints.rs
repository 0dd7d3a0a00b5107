//! What of a request is kept for the pages and for the decisions that follow.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::store::rows::AuthorizationRow;

/// What the client would have the pages know and do, and who began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Hints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) login_hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ui_locales: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acr_values: Option<String>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt: Option<String>,
    /// Recognises the browser that began: a keyed hash of its cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) browser: Option<String>,
}

impl Hints {
    /// Those of an authorization.
    pub(super) fn of(row: &AuthorizationRow) -> Self {
        row.hints
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default()
    }

    /// As stored.
    pub(super) fn stored(&self) -> Option<String> {
        (*self != Self::default())
            .then(|| serde_json::to_string(self).ok())
            .flatten()
    }

    /// Whether `prompt` asks for this.
    pub(super) fn prompts(&self, name: &str) -> bool {
        self.prompt
            .as_deref()
            .is_some_and(|prompt| prompt.split(' ').any(|candidate| candidate == name))
    }

    /// Whether a user who logged in then, and so, need not log in again.
    pub(super) fn are_met_by(
        &self,
        auth_time: Timestamp,
        acr: Option<&str>,
        now: Timestamp,
    ) -> bool {
        let anew = self.prompts("login") || self.prompts("select_account");
        let recent = self.max_age.is_none_or(|max_age| {
            max_age > 0 && now <= auth_time.after(Duration::from_secs(u64::from(max_age)))
        });
        let well = self
            .acr_values
            .as_deref()
            .is_none_or(|wanted| acr.is_some_and(|acr| wanted.split(' ').any(|one| one == acr)));
        !anew && recent && well
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_login_does_unless_the_client_asks_for_more() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let text = |text: &str| Some(text.to_owned());
        let none = Hints::default;
        for (hints, acr, now, met) in [
            (none(), None, 1_000_000, true),
            (
                Hints {
                    prompt: text("none"),
                    ..none()
                },
                None,
                100,
                true,
            ),
            (
                Hints {
                    prompt: text("consent"),
                    ..none()
                },
                None,
                100,
                true,
            ),
            (
                Hints {
                    prompt: text("login"),
                    ..none()
                },
                None,
                100,
                false,
            ),
            (
                Hints {
                    prompt: text("consent login"),
                    ..none()
                },
                None,
                100,
                false,
            ),
            (
                Hints {
                    prompt: text("select_account"),
                    ..none()
                },
                None,
                100,
                false,
            ),
            (
                Hints {
                    max_age: Some(0),
                    ..none()
                },
                None,
                100,
                false,
            ),
            (
                Hints {
                    max_age: Some(10),
                    ..none()
                },
                None,
                110,
                true,
            ),
            (
                Hints {
                    max_age: Some(10),
                    ..none()
                },
                None,
                111,
                false,
            ),
            (
                Hints {
                    acr_values: text("gold silver"),
                    ..none()
                },
                Some("silver"),
                100,
                true,
            ),
            (
                Hints {
                    acr_values: text("gold silver"),
                    ..none()
                },
                Some("bronze"),
                100,
                false,
            ),
            (
                Hints {
                    acr_values: text("gold"),
                    ..none()
                },
                None,
                100,
                false,
            ),
        ] {
            assert_eq!(
                hints.are_met_by(at(100), acr, at(now)),
                met,
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
        let row = AuthorizationRow {
            hints: hints.stored(),
            ..AuthorizationRow::default()
        };
        assert_eq!((Hints::of(&row), Hints::default().stored()), (hints, None));
        let broken = AuthorizationRow {
            hints: Some("{".to_owned()),
            ..AuthorizationRow::default()
        };
        assert_eq!(Hints::of(&broken), Hints::default());
    }
}
