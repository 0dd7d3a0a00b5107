use crate::clock::Timestamp;
use crate::ids::{ConsentId, UserId};
use crate::oauth::scope;
use crate::store::CorruptRow;
use crate::store::rows::ConsentRow;

/// What a user has allowed a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Consent {
    pub(crate) id: ConsentId,
    pub(crate) user_id: UserId,
    /// A web client, or an application on all of the user's devices.
    pub(crate) party: String,
    pub(crate) scope: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Consent {
    /// Whether the user need not be asked for these scopes.
    pub(crate) fn covers(&self, requested: &str) -> bool {
        requested
            .split(' ')
            .all(|name| scope::contains(&self.scope, name))
    }

    /// What is remembered of this consent, given when the user was asked for `asked`, beside one of
    /// `before`: what the user was asked for and did not grant is taken back.
    pub(crate) fn beside(self, before: &str, asked: &str) -> Self {
        let kept = before
            .split(' ')
            .filter(|name| !scope::contains(asked, name))
            .collect::<Vec<_>>()
            .join(" ");

        Self {
            scope: scope::union(&kept, &self.scope),
            ..self
        }
    }

    pub(crate) fn from_row(row: ConsentRow) -> Result<Self, CorruptRow> {
        let corrupt = || CorruptRow::new("consents", &row.id);

        Ok(Self {
            id: ConsentId::from_column(&row.id).ok_or_else(corrupt)?,
            user_id: row.user_id.try_into().map_err(|_| corrupt())?,
            party: row.client,
            scope: row.scope,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }

    pub(crate) fn to_row(&self) -> ConsentRow {
        ConsentRow {
            id: self.id.to_column(),
            user_id: self.user_id.to_string(),
            client: self.party.clone(),
            scope: self.scope.clone(),
            created_at: self.created_at.as_millis(),
            updated_at: self.updated_at.as_millis(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consent(scope: &str) -> Consent {
        Consent {
            id: ConsentId::from_bytes([1; 16]),
            user_id: "alice".parse().unwrap(),
            party: "web".to_owned(),
            scope: scope.to_owned(),
            created_at: Timestamp::from_millis(1),
            updated_at: Timestamp::from_millis(2),
        }
    }

    #[test]
    fn what_is_not_granted_again_is_not_remembered_any_more() {
        for (before, asked, granted, expected) in [
            ("", "a b", "a b", "a b"),
            ("a", "b", "b", "a b"),
            ("a b", "a b", "a", "a"),
            ("a b c", "b", "b", "a c b"),
        ] {
            let remembered = consent(granted).beside(before, asked);
            assert_eq!(remembered, consent(expected));
        }
    }

    #[test]
    fn a_consent_covers_what_was_allowed() {
        let consent = consent("a b");
        assert!(consent.covers("b") && consent.covers("b a"));
        assert!(!consent.covers("c") && !consent.covers("a c"));
    }
}
