//! What tokens are like: their format, how long they live, what they are for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::jose::SigningAlgorithm;

/// Scopes that are known without being configured. `device` and `user` are for installations only.
pub const RESERVED_SCOPES: [&str; 4] = ["openid", "offline_access", "device", "user"];

const DAY: Duration = Duration::from_secs(86_400);

/// What access tokens look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenFormat {
    /// Random text; what it means is asked by introspection.
    #[default]
    Opaque,
    /// Signed JSON that says what it means (RFC 9068).
    Jwt,
}

/// What the tokens of a client are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenPolicy {
    /// What access tokens look like.
    pub access_token_format: TokenFormat,
    /// How long an access token lives, 30 to 86,400.
    pub access_token_lifetime_seconds: u32,
    /// How long a refresh token lives from its last use, 60 to 31,536,000.
    pub refresh_token_lifetime_seconds: u32,
    /// How long refresh tokens live from the login on, whatever their use: as long as one of them,
    /// up to ten years.
    pub refresh_token_max_lifetime_seconds: u32,
    /// What ID tokens, and access tokens that are JWTs, are signed with.
    pub signing_algorithm: SigningAlgorithm,
    /// Whether access tokens are always bound to a key of the client (RFC 9449 §5.2).
    pub dpop_bound_access_tokens: bool,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self {
            access_token_format: TokenFormat::Opaque,
            access_token_lifetime_seconds: 900,
            refresh_token_lifetime_seconds: 2_592_000,
            refresh_token_max_lifetime_seconds: 31_536_000,
            signing_algorithm: SigningAlgorithm::Es256,
            dpop_bound_access_tokens: false,
        }
    }
}

impl TokenPolicy {
    /// How long an access token lives.
    #[must_use]
    pub const fn access_token_lifetime(&self) -> Duration {
        seconds(self.access_token_lifetime_seconds)
    }

    /// How long a refresh token lives from its last use.
    #[must_use]
    pub const fn refresh_token_lifetime(&self) -> Duration {
        seconds(self.refresh_token_lifetime_seconds)
    }

    /// How long refresh tokens live from the login on.
    #[must_use]
    pub const fn refresh_token_max_lifetime(&self) -> Duration {
        seconds(self.refresh_token_max_lifetime_seconds)
    }

    /// The policy for access tokens that are meant for this resource server: where it says
    /// something, it decides.
    #[must_use]
    pub fn for_resource_server(self, server: Option<&ResourceServer>) -> Self {
        let Some(server) = server else { return self };
        Self {
            access_token_format: server
                .access_token_format
                .unwrap_or(self.access_token_format),
            access_token_lifetime_seconds: server
                .access_token_lifetime_seconds
                .unwrap_or(self.access_token_lifetime_seconds),
            signing_algorithm: server.signing_algorithm.unwrap_or(self.signing_algorithm),
            ..self
        }
    }
}

const fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds as u64)
}

/// Something a token may be for, besides the reserved scopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The name on the wire: up to 64 characters of RFC 6749 §3.3.
    pub id: String,
    /// By language code; shown when users are asked for their consent.
    #[serde(default)]
    pub descriptions: BTreeMap<String, String>,
}

impl Scope {
    /// The description for a language; English where the language has none.
    #[must_use]
    pub fn description(&self, language: Option<&str>) -> Option<&str> {
        let chosen = language.and_then(|language| self.descriptions.get(language));
        chosen
            .or_else(|| self.descriptions.get("en"))
            .map(String::as_str)
    }
}

/// A server that takes tokens: an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceServer {
    /// What API clients refer to, and what its tokens are revoked by.
    pub id: String,
    pub name: String,
    /// An absolute URI without fragment, unique: the `resource` of requests (RFC 8707) and the
    /// `aud` of tokens.
    pub audience: String,
    /// Ids of the web clients and applications that may get tokens for it.
    #[serde(default)]
    pub permitted_clients: BTreeSet<String>,
    /// The scopes that tokens for it may carry; empty: any.
    #[serde(default)]
    pub scopes: BTreeSet<String>,
    /// Instead of the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_format: Option<TokenFormat>,
    /// Instead of the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime_seconds: Option<u32>,
    /// Instead of the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_algorithm: Option<SigningAlgorithm>,
}

impl ResourceServer {
    /// Whether a web client or an application, by its id, may get tokens for it.
    #[must_use]
    pub fn permits(&self, client_or_application: &str) -> bool {
        self.permitted_clients.contains(client_or_application)
    }

    /// Whether tokens for it may carry this scope.
    #[must_use]
    pub fn allows_scope(&self, scope: &str) -> bool {
        self.scopes.is_empty() || self.scopes.contains(scope)
    }
}

/// The general settings of the token server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSettings {
    /// How long after its use a refresh token gives the same client the same successor again, 0 to
    /// 30: answers get lost.
    pub refresh_grace_seconds: u32,
    /// How long a key signs before the next one does, 1 to 3,650.
    pub signing_key_rotation_days: u32,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            refresh_grace_seconds: 10,
            signing_key_rotation_days: 90,
        }
    }
}

impl TokenSettings {
    /// How long after its use a refresh token gives the same client the same successor again.
    #[must_use]
    pub const fn refresh_grace(&self) -> Duration {
        seconds(self.refresh_grace_seconds)
    }

    /// How long a key signs before the next one does.
    #[must_use]
    pub const fn signing_key_rotation(&self) -> Duration {
        DAY.saturating_mul(self.signing_key_rotation_days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ResourceServer {
        ResourceServer {
            id: "orders-api".to_owned(),
            name: "Orders".to_owned(),
            audience: "https://api.shop.example".to_owned(),
            permitted_clients: ["shop".to_owned()].into(),
            scopes: ["orders".to_owned()].into(),
            access_token_format: Some(TokenFormat::Jwt),
            access_token_lifetime_seconds: None,
            signing_algorithm: Some(SigningAlgorithm::Rs256),
        }
    }

    #[test]
    fn a_resource_server_permits_its_clients_and_scopes_only() {
        let server = server();
        assert!(server.permits("shop") && !server.permits("bank") && !server.permits(""));
        assert!(server.allows_scope("orders") && !server.allows_scope("profile"));
        assert!(
            ResourceServer {
                scopes: BTreeSet::new(),
                ..server
            }
            .allows_scope("profile")
        );
    }

    #[test]
    fn a_resource_server_decides_what_it_says_and_nothing_else() {
        let client = TokenPolicy {
            access_token_lifetime_seconds: 60,
            ..TokenPolicy::default()
        };
        assert_eq!(client.for_resource_server(None), client);

        let expected = TokenPolicy {
            access_token_format: TokenFormat::Jwt,
            signing_algorithm: SigningAlgorithm::Rs256,
            ..client
        };
        assert_eq!(client.for_resource_server(Some(&server())), expected);
    }

    #[test]
    fn lifetimes_are_durations() {
        let policy = TokenPolicy::default();
        assert_eq!(policy.access_token_lifetime(), Duration::from_secs(900));
        assert_eq!(policy.refresh_token_lifetime(), DAY * 30);
        assert_eq!(policy.refresh_token_max_lifetime(), DAY * 365);

        let general = TokenSettings::default();
        assert_eq!(
            (general.refresh_grace(), general.signing_key_rotation()),
            (Duration::from_secs(10), DAY * 90)
        );
    }

    #[test]
    fn a_description_is_in_the_language_asked_for_or_english() {
        let texts = [("en", "See your orders"), ("nl", "Je bestellingen zien")];
        let descriptions = texts
            .map(|(language, text)| (language.to_owned(), text.to_owned()))
            .into();
        let scope = Scope {
            id: "orders".to_owned(),
            descriptions,
        };
        assert_eq!(scope.description(Some("nl")), Some("Je bestellingen zien"));
        assert_eq!(scope.description(Some("fr")), Some("See your orders"));
        assert_eq!(scope.description(None), Some("See your orders"));
    }
}
