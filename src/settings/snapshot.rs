//! Everything configured at one moment.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::types::{
    ApiClient, Application, ApplicationVersion, AuthenticationType, CallbackEndpoint,
    InitialAccessToken, MobileAuthentication, Platform, PushConfiguration, RESERVED_SCOPES,
    ResourceServer, Scope, SmsConfiguration, TokenSettings, VersionStatus, WebClient,
};
use crate::ids::{ApplicationId, ClientId};

/// One consistent set of settings. All objects are keyed by their id or name.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Grows by one with each change.
    pub revision: i64,
    pub api_clients: HashMap<ClientId, Arc<ApiClient>>,
    /// No id is an API client's too.
    pub web_clients: HashMap<ClientId, Arc<WebClient>>,
    pub applications: HashMap<ApplicationId, Arc<Application>>,
    /// A reserved scope is only here if it has descriptions; see [`Settings::is_known_scope`].
    pub scopes: HashMap<String, Arc<Scope>>,
    /// By name.
    pub initial_access_tokens: HashMap<String, Arc<InitialAccessToken>>,
    pub resource_servers: HashMap<String, Arc<ResourceServer>>,
    pub tokens: Arc<TokenSettings>,
    pub authentication_types: HashMap<String, Arc<AuthenticationType>>,
    pub push_configurations: HashMap<String, Arc<PushConfiguration>>,
    /// Without a gateway no text message can be sent.
    pub sms: Option<Arc<SmsConfiguration>>,
    pub callback_endpoints: HashMap<String, Arc<CallbackEndpoint>>,
    pub mobile_authentication: Arc<MobileAuthentication>,
}

impl Settings {
    /// A version of an application, if it is configured and not disabled.
    #[must_use]
    pub fn enabled_version(
        &self,
        application: &ApplicationId,
        platform: Platform,
        version: &str,
    ) -> Option<&ApplicationVersion> {
        let version = self
            .applications
            .get(application)?
            .version(platform, version)?;
        // A version that is not configured counts as disabled: nobody has said that it may be used.
        (version.status != VersionStatus::Disabled).then_some(version)
    }

    /// The resource server that the `resource` parameter of a request names (RFC 8707 §2).
    /// Audiences are compared exactly.
    #[must_use]
    pub fn resource_server_by_audience(&self, audience: &str) -> Option<&Arc<ResourceServer>> {
        self.resource_servers
            .values()
            // There are few of them, and audiences are unique (`validate/tokens.rs`).
            .find(|server| server.audience == audience)
    }

    /// Whether a scope is configured or reserved.
    #[must_use]
    pub fn is_known_scope(&self, scope: &str) -> bool {
        RESERVED_SCOPES.contains(&scope) || self.scopes.contains_key(scope)
    }
}

/// The settings in force. All clones share them.
#[derive(Clone, Debug, Default)]
pub struct CurrentSettings(Arc<ArcSwap<Settings>>);

impl CurrentSettings {
    /// The snapshot in force now. Use it for one decision and drop it: the next load may return
    /// other settings.
    #[must_use]
    pub fn load(&self) -> Arc<Settings> {
        self.0.load_full()
    }

    /// Puts another snapshot in force.
    pub fn replace(&self, settings: Settings) {
        self.0.store(Arc::new(settings));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_and_audiences_are_compared_exactly() {
        let text = "[[scopes]]\nid = \"orders\"\n[[resource_servers]]\nid = \"orders-api\"\nname = \"Orders\"\n\
                    audience = \"https://api.shop.example\"";
        let settings = Settings::from_toml(text, std::path::Path::new(""), &|_| None).unwrap();
        let found = |audience| {
            settings
                .resource_server_by_audience(audience)
                .map(|server| server.id.as_str())
        };

        assert_eq!(found("https://api.shop.example"), Some("orders-api"));
        assert_eq!(found("https://api.shop.example/"), None);
        assert_eq!(found("orders-api"), None);

        for (scope, known) in [
            ("orders", true),
            ("openid", true),
            ("device", true),
            ("Orders", false),
            ("", false),
        ] {
            assert_eq!(settings.is_known_scope(scope), known, "{scope}");
        }
    }
}
