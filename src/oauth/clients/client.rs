//! Who tokens are issued to.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::devices::Device;
use crate::ids::UserId;
use crate::oauth::model::ClientRef;
use crate::oauth::scope;
use crate::random::Random;
use crate::settings::{Application, GrantType, Settings, TokenPolicy, WebClient};
use crate::store::rows::EventRow;
use crate::users::events::{Concerning, EventType, event};

/// A client of the authorization and token endpoints.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    /// A web client, which administrators configure.
    Web(Arc<WebClient>),
    /// A device whose application's version is not disabled.
    Device {
        device: Box<Device>,
        application: Arc<Application>,
    },
}

impl Client {
    /// `None` where the device's version is disabled.
    pub(crate) fn device(device: Device, settings: &Settings) -> Option<Self> {
        // Looked up with each request: disabling a version takes effect at once.
        device.enabled_version(settings)?;
        let application = Arc::clone(settings.applications.get(&device.application_id)?);

        Some(Self::Device {
            device: Box::new(device),
            application,
        })
    }

    /// The OAuth `client_id`.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Web(client) => client.client_id.as_str(),
            Self::Device { device, .. } => device.id.as_str(),
        }
    }

    /// The application of a device.
    pub(crate) fn application(&self) -> Option<&Application> {
        match self {
            Self::Web(_) => None,
            Self::Device { application, .. } => Some(application),
        }
    }

    pub(crate) fn to_ref(&self) -> ClientRef {
        ClientRef {
            id: self.id().to_owned(),
            application_id: self.application().map(|application| application.id.clone()),
        }
    }

    /// What users consent to and resource servers permit: the web client, or the application on
    /// whatever device.
    pub(crate) fn party(&self) -> &str {
        match self {
            Self::Web(client) => client.client_id.as_str(),
            Self::Device { application, .. } => application.id.as_str(),
        }
    }

    /// For people.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Web(client) => &client.name,
            Self::Device { application, .. } => &application.name,
        }
    }

    /// The format and lifetimes of its tokens.
    pub(crate) fn policy(&self) -> TokenPolicy {
        match self {
            Self::Web(client) => client.tokens,
            Self::Device { application, .. } => application.tokens,
        }
    }

    pub(crate) fn redirect_uris(&self) -> &[String] {
        match self {
            Self::Web(client) => &client.redirect_uris,
            Self::Device { application, .. } => &application.redirect_uris,
        }
    }

    /// Where users may be sent after they have logged out.
    pub(crate) fn post_logout_redirect_uris(&self) -> &[String] {
        match self {
            Self::Web(client) => &client.post_logout_redirect_uris,
            Self::Device { .. } => &[],
        }
    }

    /// Where it is told that a log-in has ended.
    pub(crate) fn backchannel_logout_uri(&self) -> Option<&str> {
        match self {
            Self::Web(client) => client.backchannel_logout_uri.as_deref(),
            Self::Device { .. } => None,
        }
    }

    /// Whether users are not asked for their consent.
    pub(crate) fn skips_consent(&self) -> bool {
        match self {
            Self::Web(client) => client.skip_consent,
            Self::Device { application, .. } => application.skip_consent,
        }
    }

    /// Whether it has no credential of its own.
    pub(crate) fn is_public(&self) -> bool {
        match self {
            Self::Web(client) => client.is_public(),
            Self::Device { .. } => false,
        }
    }

    /// Whether it runs on the user's device, where others may listen on the same address.
    pub(crate) fn is_native(&self) -> bool {
        match self {
            Self::Web(client) => client.is_public(),
            Self::Device { .. } => true,
        }
    }

    /// Whether it is surely this client that is answered at this redirect address. Anybody can register
    /// an installation, and any app can take a custom scheme or a port of the loopback address: then
    /// the user has to be asked (RFC 8252 §8.6).
    pub(crate) fn is_assured_at(&self, redirect_uri: &str) -> bool {
        match self {
            Self::Web(client) => !client.is_public() || redirect_uri.starts_with("https://"),
            Self::Device { .. } => false,
        }
    }

    /// Whether its authorization requests need a `code_challenge`.
    pub(crate) fn must_use_pkce(&self) -> bool {
        match self {
            Self::Web(client) => client.require_pkce || client.is_public(),
            Self::Device { .. } => true,
        }
    }

    /// Whether its users have a PIN, without which their refresh tokens cannot be used.
    pub(crate) fn has_pins(&self) -> bool {
        self.application()
            .is_some_and(|application| application.pin.enabled)
    }

    /// Whether it may get tokens this way.
    pub(crate) fn may_use(&self, grant_type: GrantType) -> bool {
        match self {
            Self::Web(client) => client.may_use(grant_type),
            // A device has a browser: its user need not go to another one. And nobody gives it tokens.
            Self::Device { .. } => {
                !matches!(grant_type, GrantType::DeviceCode | GrantType::TokenExchange)
            }
        }
    }

    /// Whether a user's token of it may have this scope.
    pub(crate) fn may_ask_users_for(&self, name: &str) -> bool {
        match self {
            Self::Web(client) => client.scopes.contains(name),
            Self::Device { application, .. } => {
                scope::contains(scope::DEVICE_AND_USER, name)
                    || is_of_openid_connect(name)
                    || application.scopes.contains(name)
            }
        }
    }

    /// The scope it asks users for when its request names none.
    pub(crate) fn default_user_scope(&self) -> String {
        match self {
            Self::Web(client) => client.scopes.iter().cloned().collect::<Vec<_>>().join(" "),
            Self::Device { .. } => scope::DEVICE_AND_USER.to_owned(),
        }
    }

    /// The scope that is granted together with this one: a device acts for the user on it, whatever
    /// else it asks for.
    pub(crate) fn with_always_granted(&self, granted: &str) -> String {
        match self {
            Self::Web(_) => granted.to_owned(),
            Self::Device { .. } => scope::union(scope::DEVICE_AND_USER, granted),
        }
    }

    /// Whether a token of its own may have this scope: those of OpenID Connect are about users.
    pub(crate) fn may_have(&self, name: &str) -> bool {
        match self {
            Self::Web(client) => !is_of_openid_connect(name) && client.scopes.contains(name),
            Self::Device { application, .. } => {
                name == scope::DEVICE || application.scopes.contains(name)
            }
        }
    }

    /// Whether a token of its own may have this scope. Anybody can register an installation: without
    /// a user it stands for nobody.
    pub(crate) fn may_have_itself(&self, name: &str) -> bool {
        match self {
            Self::Web(_) => self.may_have(name),
            Self::Device { .. } => name == scope::DEVICE,
        }
    }

    /// Whether a token of its own may be for a resource server.
    pub(crate) fn may_use_resources_itself(&self) -> bool {
        matches!(self, Self::Web(_))
    }

    /// The scope of a token of its own when its request names none.
    pub(crate) fn default_own_scope(&self) -> String {
        match self {
            Self::Web(client) => {
                let own = client.scopes.iter().filter(|name| self.may_have(name));
                own.cloned().collect::<Vec<_>>().join(" ")
            }
            Self::Device { .. } => scope::DEVICE.to_owned(),
        }
    }

    /// An event of the audit log that concerns this client.
    pub(crate) fn event(
        &self,
        event_type: EventType,
        user: Option<&UserId>,
        now: Timestamp,
        random: &dyn Random,
    ) -> EventRow {
        let (client, device) = match self {
            Self::Web(client) => (Some(&client.client_id), None),
            Self::Device { device, .. } => (None, Some(&device.id)),
        };
        let concerning = Concerning {
            client,
            user,
            device,
            ..Concerning::default()
        };

        event(event_type, concerning, now, random)
    }
}

fn is_of_openid_connect(name: &str) -> bool {
    [scope::OPENID, scope::OFFLINE_ACCESS].contains(&name)
}
