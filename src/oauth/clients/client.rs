//! Who tokens are issued to.

use std::sync::Arc;

use crate::devices::Device;
use crate::settings::{Application, GrantType, Settings, TokenPolicy, WebClient};

use super::super::scope;

/// A client of the authorization and token endpoints.
#[derive(Clone, Debug)]
pub(in crate::oauth) enum Client {
    /// One that administrators configure.
    Web(Arc<WebClient>),
    /// An installation of a mobile application.
    Installation {
        /// The installation; its version is not disabled.
        device: Box<Device>,
        application: Arc<Application>,
    },
}

impl Client {
    /// An installation, unless its version is disabled.
    pub(in crate::oauth) fn installation(device: Device, settings: &Settings) -> Option<Self> {
        device.enabled_version(settings)?;
        let application = Arc::clone(settings.applications.get(&device.application_id)?);
        Some(Self::Installation {
            device: Box::new(device),
            application,
        })
    }

    /// Its `client_id`.
    pub(in crate::oauth) fn id(&self) -> &str {
        match self {
            Self::Web(client) => client.client_id.as_str(),
            Self::Installation { device, .. } => device.id.as_str(),
        }
    }

    /// The application of an installation.
    pub(in crate::oauth) fn application_id(&self) -> Option<&str> {
        match self {
            Self::Web(_) => None,
            Self::Installation { application, .. } => Some(application.id.as_str()),
        }
    }

    /// What users consent to and resource servers permit: the web client, or the application on
    /// whatever device.
    pub(in crate::oauth) fn party(&self) -> &str {
        self.application_id().unwrap_or_else(|| self.id())
    }

    /// For people.
    pub(in crate::oauth) fn name(&self) -> &str {
        match self {
            Self::Web(client) => &client.name,
            Self::Installation { application, .. } => &application.name,
        }
    }

    /// What its tokens are like.
    pub(in crate::oauth) fn policy(&self) -> TokenPolicy {
        match self {
            Self::Web(client) => client.tokens,
            Self::Installation { application, .. } => application.tokens,
        }
    }

    /// Where authorization answers may go.
    pub(in crate::oauth) fn redirect_uris(&self) -> &[String] {
        match self {
            Self::Web(client) => &client.redirect_uris,
            Self::Installation { application, .. } => &application.redirect_uris,
        }
    }

    /// Whether users are not asked for their consent.
    pub(in crate::oauth) fn skips_consent(&self) -> bool {
        match self {
            Self::Web(client) => client.skip_consent,
            Self::Installation { application, .. } => application.skip_consent,
        }
    }

    /// Whether it has no credential of its own.
    pub(in crate::oauth) fn is_public(&self) -> bool {
        match self {
            Self::Web(client) => client.is_public(),
            Self::Installation { .. } => false,
        }
    }

    /// Whether it may get tokens this way. Installations have no browser on another device.
    pub(in crate::oauth) fn may_use(&self, grant_type: GrantType) -> bool {
        match self {
            Self::Web(client) => client.may_use(grant_type),
            Self::Installation { .. } => grant_type != GrantType::DeviceCode,
        }
    }

    /// Whether a user's token of it may have this scope.
    pub(in crate::oauth) fn may_ask_users_for(&self, name: &str) -> bool {
        match self {
            Self::Web(client) => client.scopes.contains(name),
            Self::Installation { application, .. } => {
                scope::contains(scope::DEVICE_AND_USER, name)
                    || [scope::OPENID, "offline_access"].contains(&name)
                    || application.scopes.contains(name)
            }
        }
    }

    /// What it asks users for when it asks for nothing in particular.
    pub(in crate::oauth) fn default_user_scope(&self) -> String {
        match self {
            Self::Web(client) => client.scopes.iter().cloned().collect::<Vec<_>>().join(" "),
            Self::Installation { .. } => scope::DEVICE_AND_USER.to_owned(),
        }
    }

    /// Whether a token of its own may have this scope: those of OpenID Connect speak of users.
    pub(in crate::oauth) fn may_have(&self, name: &str) -> bool {
        match self {
            Self::Web(client) => {
                ![scope::OPENID, "offline_access"].contains(&name) && client.scopes.contains(name)
            }
            Self::Installation { application, .. } => {
                name == scope::DEVICE || application.scopes.contains(name)
            }
        }
    }

    /// What a token of its own allows when it asks for nothing in particular.
    pub(in crate::oauth) fn default_own_scope(&self) -> String {
        match self {
            Self::Web(client) => {
                let own = client
                    .scopes
                    .iter()
                    .filter(|name| self.may_have(name))
                    .cloned();
                own.collect::<Vec<_>>().join(" ")
            }
            Self::Installation { .. } => scope::DEVICE.to_owned(),
        }
    }
}
