//! What a login page says of a user, beside how the user was authenticated (OpenID Connect Core
//! §5.1).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::UserId;
use crate::random::Random;
use crate::secret::{Keyring, Purpose, UnsealError};
use crate::settings::Settings;

/// The most claims, and the longest name and all of them as JSON, in bytes.
const CLAIMS_MAX: usize = 32;
const NAME_BYTES_MAX: usize = 64;
const JSON_BYTES_MAX: usize = 4096;

/// What the server itself says in tokens and in introspection: nobody else may.
const RESERVED: [&str; 24] = [
    "acr",
    "act",
    "active",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "events",
    "exp",
    "iat",
    "iss",
    "jti",
    "may_act",
    "nbf",
    "nonce",
    "scope",
    "sid",
    "sub",
    "token_type",
    "token_use",
];

/// What the scopes of OpenID Connect give out (Core §5.4).
const STANDARD: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// Claims about a user: at most 32, at most 4,096 bytes of JSON. Personal data: it does not show.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(Map<String, Value>);

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Claims({})", self.0.len())
    }
}

impl Claims {
    /// What a login page says.
    ///
    /// # Errors
    ///
    /// What is wrong, to complete a sentence about it.
    pub fn new(claims: Map<String, Value>) -> Result<Self, &'static str> {
        if claims.len() > CLAIMS_MAX {
            return Err("must be at most 32");
        }

        for name in claims.keys() {
            if !(1..=NAME_BYTES_MAX).contains(&name.len()) || name.chars().any(char::is_control) {
                return Err("must have names of 1 to 64 bytes");
            }
            if RESERVED.contains(&name.as_str()) {
                return Err(
                    "must not have a name that the server itself uses, such as `sub` or `exp`",
                );
            }
        }

        let claims = Self(claims);
        if claims.to_json().len() > JSON_BYTES_MAX {
            return Err("must not be longer than 4096 bytes of JSON");
        }

        Ok(claims)
    }

    /// The names of all claims that scopes give out, the standard ones first.
    pub(crate) fn given_out(settings: &Settings) -> Vec<String> {
        let standard = STANDARD.iter().flat_map(|(_, names)| names.iter());
        let mut names: Vec<String> = standard.map(|&name| name.to_owned()).collect();

        let configured: BTreeSet<&String> = settings
            .scopes
            .values()
            .flat_map(|scope| &scope.claims)
            .collect();
        for name in configured {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }

        names
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that these scopes give out: the standard ones, and what administrators say of theirs.
    #[must_use]
    pub(crate) fn for_scope(mut self, scope: &str, settings: &Settings) -> Self {
        let scopes: Vec<&str> = scope.split(' ').collect();

        let is_given_out = |claim: &str| {
            scopes.iter().any(|scope| {
                let standard = STANDARD.iter().find(|(name, _)| name == scope);
                let configured = settings.scopes.get(*scope);

                standard.is_some_and(|(_, claims)| claims.contains(&claim))
                    || configured.is_some_and(|scope| scope.claims.contains(claim))
            })
        };

        self.0.retain(|name, _| is_given_out(name));
        self
    }

    /// Those of these names.
    #[must_use]
    pub(crate) fn named(mut self, names: &BTreeSet<String>) -> Self {
        self.0.retain(|name, _| names.contains(name));
        self
    }

    /// For the database; `None` where there are none.
    pub(crate) fn seal(
        &self,
        keyring: &Keyring,
        user: &UserId,
        random: &dyn Random,
    ) -> Option<SealedClaims> {
        if self.is_empty() {
            return None;
        }

        let (context, json) = (user.as_str().as_bytes(), self.to_json());
        let sealed = keyring.seal(Purpose::LogIn, context, json.as_bytes(), random);
        Some(SealedClaims(STANDARD_NO_PAD.encode(sealed)))
    }

    fn to_json(&self) -> String {
        // What was read as JSON can be written as JSON.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// Claims as they are stored: sealed for their user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealedClaims(String);

impl SealedClaims {
    pub(crate) const fn from_column(column: String) -> Self {
        Self(column)
    }

    pub(crate) fn to_column(&self) -> String {
        self.0.clone()
    }

    pub(crate) fn open(&self, keyring: &Keyring, user: &UserId) -> Result<Claims, UnsealError> {
        let sealed = STANDARD_NO_PAD.decode(&self.0).map_err(|_| UnsealError)?;
        let json = keyring.open(Purpose::LogIn, user.as_str().as_bytes(), &sealed)?;
        serde_json::from_slice(&json).map_err(|_| UnsealError)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::random::SystemRandom;
    use crate::settings::Scope;

    fn claims(value: Value) -> Result<Claims, &'static str> {
        match value {
            Value::Object(map) => Claims::new(map),
            _ => Err("no object"),
        }
    }

    #[test]
    fn scopes_give_out_claims() {
        let mut settings = Settings::default();
        settings.scopes.insert(
            "orders".to_owned(),
            Arc::new(Scope {
                id: "orders".to_owned(),
                descriptions: [].into(),
                claims: ["customer".to_owned()].into(),
            }),
        );

        let all = json!({"name": "A", "email": "a@b", "phone_number": "1", "customer": [1]});
        let given = |scope: &str| claims(all.clone()).unwrap().for_scope(scope, &settings);

        for (scope, expected) in [
            ("openid", json!({})),
            ("", json!({})),
            ("openid profile", json!({"name": "A"})),
            ("email phone", json!({"email": "a@b", "phone_number": "1"})),
            ("orders", json!({"customer": [1]})),
            ("profiles", json!({})),
        ] {
            assert_eq!(given(scope), claims(expected).unwrap(), "{scope}");
        }
    }

    #[test]
    fn claims_are_bounded_and_say_nothing_that_is_the_servers() {
        assert!(claims(json!({"name": "A"})).is_ok());

        for refused in [
            json!({"sub": "bob"}),
            json!({"exp": 1}),
            json!({"": 1}),
            json!({"x".repeat(65): 1}),
            json!({"name": "x".repeat(4096)}),
        ] {
            assert!(claims(refused.clone()).is_err(), "{refused}");
        }

        let many = (0..33).map(|n| (n.to_string(), json!(n))).collect();
        assert!(Claims::new(many).is_err());
    }

    #[test]
    fn sealed_claims_are_their_users_own() {
        let keyring = Keyring::new(&[7; 32]);
        let user = |id: &str| id.parse::<UserId>().unwrap();
        let known = claims(json!({"email": "a@b"})).unwrap();

        let sealed = known.seal(&keyring, &user("alice"), &SystemRandom).unwrap();
        assert!(!sealed.to_column().contains("a@b"));
        assert_eq!(sealed.open(&keyring, &user("alice")), Ok(known));
        assert!(sealed.open(&keyring, &user("bob")).is_err());

        let none = Claims::default();
        assert_eq!(none.seal(&keyring, &user("alice"), &SystemRandom), None);
    }
}
