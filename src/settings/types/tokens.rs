//! The format, lifetime and scopes of tokens, and the resource servers that accept them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::texts;
use crate::jose::SigningAlgorithm;

/// Scopes that exist without being configured: those of OpenID Connect (Core §5.4, §11), and `device`
/// and `user`, which are for devices only.
pub const RESERVED_SCOPES: [&str; 8] = [
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "offline_access",
    "device",
    "user",
];

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenFormat {
    /// Random text. Resource servers introspect it.
    #[default]
    Opaque,
    /// Signed claims (RFC 9068).
    Jwt,
}

/// The tokens of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenPolicy {
    pub access_token_format: TokenFormat,
    /// 30 to 86,400.
    pub access_token_lifetime_seconds: u32,
    /// Idle timeout: the lifetime since the last use, 60 to 31,536,000.
    pub refresh_token_lifetime_seconds: u32,
    /// The lifetime since the log-in, whatever the use: at least the idle timeout, at most ten
    /// years.
    pub refresh_token_max_lifetime_seconds: u32,
    /// For ID tokens and for access tokens that are JWTs. Default: what every library knows,
    /// `RS256`, for ID tokens (OpenID Connect Core §15.1), and `ES256` for access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_algorithm: Option<SigningAlgorithm>,
    /// Whether access tokens are always bound to a key of the client (RFC 9449 §5.2).
    pub dpop_bound_access_tokens: bool,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self {
            // Revoked at once everywhere, which holds of a JWT only where it is introspected.
            access_token_format: TokenFormat::Opaque,
            access_token_lifetime_seconds: 900,
            refresh_token_lifetime_seconds: 2_592_000,
            refresh_token_max_lifetime_seconds: 31_536_000,
            signing_algorithm: None,
            dpop_bound_access_tokens: false,
        }
    }
}

impl TokenPolicy {
    #[must_use]
    pub const fn access_token_lifetime(&self) -> Duration {
        seconds(self.access_token_lifetime_seconds)
    }

    /// What ID tokens are signed with.
    #[must_use]
    pub fn id_token_algorithm(&self) -> SigningAlgorithm {
        self.signing_algorithm.unwrap_or(SigningAlgorithm::Rs256)
    }

    /// What access tokens are signed with that are JWTs.
    #[must_use]
    pub fn access_token_algorithm(&self) -> SigningAlgorithm {
        self.signing_algorithm.unwrap_or(SigningAlgorithm::Es256)
    }

    /// The lifetime since the last use.
    #[must_use]
    pub const fn refresh_token_lifetime(&self) -> Duration {
        seconds(self.refresh_token_lifetime_seconds)
    }

    /// The lifetime since the log-in.
    #[must_use]
    pub const fn refresh_token_max_lifetime(&self) -> Duration {
        seconds(self.refresh_token_max_lifetime_seconds)
    }

    /// The policy for access tokens for this resource server, whose own values take precedence.
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
            signing_algorithm: server.signing_algorithm.or(self.signing_algorithm),
            ..self
        }
    }
}

const fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds as u64)
}

/// A scope that is not reserved, or the descriptions of a reserved one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Up to 64 characters of a scope token (RFC 6749 §3.3).
    pub id: String,
    /// By language code, for the consent page.
    #[serde(default)]
    pub descriptions: BTreeMap<String, String>,
    /// The claims about a user that the scope gives out, beside those of OpenID Connect's own
    /// scopes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub claims: BTreeSet<String>,
}

impl Scope {
    /// The description in a language, or in English if that language has none.
    #[must_use]
    pub fn description(&self, language: Option<&str>) -> Option<&str> {
        texts::in_language(&self.descriptions, language)
    }
}

/// An API that accepts tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceServer {
    /// API clients refer to it by this id, and its tokens are revoked by it.
    pub id: String,
    pub name: String,
    /// A unique absolute URI without fragment: the `resource` of requests (RFC 8707) and the `aud`
    /// of tokens.
    pub audience: String,
    /// The ids of the web clients and applications that may get tokens for it.
    #[serde(default)]
    pub permitted_clients: BTreeSet<String>,
    /// The scopes that its tokens may have; empty: any.
    #[serde(default)]
    pub scopes: BTreeSet<String>,
    /// The claims about a user that its JWTs tell, of those that the user's scopes give out.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub claims: BTreeSet<String>,
    /// Overrides the client's, as do the following.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_format: Option<TokenFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_algorithm: Option<SigningAlgorithm>,
}

impl ResourceServer {
    /// Whether the web client or application with this id may get tokens for it.
    #[must_use]
    pub fn permits(&self, client_or_application: &str) -> bool {
        self.permitted_clients.contains(client_or_application)
    }

    /// Whether its tokens may have this scope.
    #[must_use]
    pub fn allows_scope(&self, scope: &str) -> bool {
        // Most resource servers are set up without a list.
        self.scopes.is_empty() || self.scopes.contains(scope)
    }
}

/// The general settings of the token server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSettings {
    /// How long a used refresh token returns the same successor again, 0 to 30, because responses
    /// get lost.
    pub refresh_grace_seconds: u32,
    /// How long a key signs before its successor takes over, 1 to 3,650.
    pub signing_key_rotation_days: u32,
    /// How long a successor is published before it signs, 1 to 720: longer than whoever verifies tokens
    /// keeps the published keys.
    pub signing_key_lead_hours: u32,
    /// Whether DPoP proofs must contain what the server has asked for lately (RFC 9449 §8).
    pub dpop_nonces: bool,
    /// How long a browser remembers a log-in that is not used, 60 to 31,536,000.
    pub session_idle_seconds: u32,
    /// How long a browser remembers a log-in, whatever the use: at least the idle time, at most a year.
    pub session_max_seconds: u32,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            refresh_grace_seconds: 10,
            signing_key_rotation_days: 90,
            signing_key_lead_hours: 24,
            dpop_nonces: false,
            session_idle_seconds: 2_592_000,
            session_max_seconds: 2_592_000,
        }
    }
}

impl TokenSettings {
    /// How long a used refresh token returns the same successor again.
    #[must_use]
    pub const fn refresh_grace(&self) -> Duration {
        seconds(self.refresh_grace_seconds)
    }

    /// How long a browser remembers a log-in that is not used.
    #[must_use]
    pub const fn session_idle(&self) -> Duration {
        seconds(self.session_idle_seconds)
    }

    /// How long a browser remembers a log-in.
    #[must_use]
    pub const fn session_max(&self) -> Duration {
        seconds(self.session_max_seconds)
    }

    /// How long a successor is published before it signs.
    #[must_use]
    pub const fn signing_key_lead(&self) -> Duration {
        seconds(self.signing_key_lead_hours).saturating_mul(3600)
    }

    /// How long a key signs before its successor takes over.
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
            claims: BTreeSet::new(),
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
    fn a_resource_server_overrides_only_the_values_it_has() {
        let client = TokenPolicy {
            access_token_lifetime_seconds: 60,
            ..TokenPolicy::default()
        };
        assert_eq!(client.for_resource_server(None), client);

        let expected = TokenPolicy {
            access_token_format: TokenFormat::Jwt,
            signing_algorithm: Some(SigningAlgorithm::Rs256),
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
    fn a_description_is_in_the_requested_language_or_in_english() {
        let texts = [("en", "See your orders"), ("nl", "Je bestellingen zien")];
        let descriptions = texts
            .map(|(language, text)| (language.to_owned(), text.to_owned()))
            .into();
        let scope = Scope {
            id: "orders".to_owned(),
            descriptions,
            claims: BTreeSet::new(),
        };
        assert_eq!(scope.description(Some("nl")), Some("Je bestellingen zien"));
        assert_eq!(scope.description(Some("fr")), Some("See your orders"));
        assert_eq!(scope.description(None), Some("See your orders"));
    }
}
