//! What administrators configure, as one snapshot that is replaced whole when something changes.
//!
//! The configuration is a set of objects. [`Settings::from_file`] reads the wanted ones, [`plan()`]
//! compares, and [`StoredSettings`] keeps them as documents in the database, with their secrets
//! sealed, and follows changes made by others.

mod documents;
mod file;
mod objects;
mod persist;
mod plan;
mod problem;
mod references;
mod types;
mod validate;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

pub use file::FileError;
pub use objects::{Kind, Object};
pub use persist::{SettingsError, StoredSettings};
pub use plan::{Action, Change, Plan, plan};
pub use problem::Problem;
pub use references::ReadVariable;
pub use types::{
    ApiClient, ApnsEnvironment, Application, ApplicationVersion, AuthenticationMethod,
    AuthenticationType, CallbackEndpoint, ClientCredential, Enabled, GrantType,
    MobileAuthentication, Permission, PinSettings, Platform, PushConfiguration, PushProvider,
    RESERVED_SCOPES, ResourceServer, Scope, SmsConfiguration, TokenFormat, TokenPolicy,
    TokenSettings, VersionStatus, WebClient,
};

use crate::ids::{ApplicationId, ClientId};

/// Everything configured at one moment.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Counts the changes; a higher one replaces a lower one.
    pub revision: i64,
    /// By `client_id`.
    pub api_clients: HashMap<ClientId, Arc<ApiClient>>,
    /// By `client_id`; none is an API client's too.
    pub web_clients: HashMap<ClientId, Arc<WebClient>>,
    pub applications: HashMap<ApplicationId, Arc<Application>>,
    /// By id; a reserved one only where it is described.
    pub scopes: HashMap<String, Arc<Scope>>,
    pub resource_servers: HashMap<String, Arc<ResourceServer>>,
    pub tokens: Arc<TokenSettings>,
    pub authentication_types: HashMap<String, Arc<AuthenticationType>>,
    pub push_configurations: HashMap<String, Arc<PushConfiguration>>,
    /// The one gateway; without it no text message can be sent.
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
        (version.status != VersionStatus::Disabled).then_some(version)
    }

    /// The resource server that a request's `resource` means (RFC 8707 §2): the one of this
    /// audience, compared exactly.
    #[must_use]
    pub fn resource_server_by_audience(&self, audience: &str) -> Option<&Arc<ResourceServer>> {
        self.resource_servers
            .values()
            .find(|server| server.audience == audience)
    }

    /// Whether a scope is configured or reserved.
    #[must_use]
    pub fn is_known_scope(&self, scope: &str) -> bool {
        RESERVED_SCOPES.contains(&scope) || self.scopes.contains_key(scope)
    }
}

/// The settings in force. Clones see the same ones.
#[derive(Clone, Debug, Default)]
pub struct CurrentSettings(Arc<ArcSwap<Settings>>);

impl CurrentSettings {
    /// The snapshot in force now. Hold it for one decision, not for longer.
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
