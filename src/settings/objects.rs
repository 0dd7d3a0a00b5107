//! The settings as a set of objects, which are planned, stored and changed one by one. An object is
//! identified by its kind and its name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::snapshot::Settings;
use super::types::{
    ApiClient, Application, AuthenticationType, CallbackEndpoint, InitialAccessToken,
    MobileAuthentication, PushConfiguration, ResourceServer, Scope, SmsConfiguration,
    TokenSettings, WebClient,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    ApiClient,
    /// An application with its versions.
    Application,
    AuthenticationType,
    CallbackEndpoint,
    InitialAccessToken,
    /// There is one object of this kind.
    MobileAuthentication,
    PushConfiguration,
    ResourceServer,
    Scope,
    /// There is at most one object of this kind.
    Sms,
    /// There is one object of this kind.
    Tokens,
    WebClient,
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::ApiClient,
        Self::Application,
        Self::AuthenticationType,
        Self::CallbackEndpoint,
        Self::InitialAccessToken,
        Self::MobileAuthentication,
        Self::PushConfiguration,
        Self::ResourceServer,
        Self::Scope,
        Self::Sms,
        Self::Tokens,
        Self::WebClient,
    ];

    /// The name of the section in the file, and the value in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiClient => "api_clients",
            Self::Application => "applications",
            Self::AuthenticationType => "authentication_types",
            Self::CallbackEndpoint => "callback_endpoints",
            Self::InitialAccessToken => "initial_access_tokens",
            Self::MobileAuthentication => "mobile_authentication",
            Self::PushConfiguration => "push_configurations",
            Self::ResourceServer => "resource_servers",
            Self::Scope => "scopes",
            Self::Sms => "sms",
            Self::Tokens => "tokens",
            Self::WebClient => "web_clients",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The name of an object that is the only one of its kind.
const SINGLETON_NAME: &str = "general";

/// One thing that administrators configure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    ApiClient(Arc<ApiClient>),
    Application(Arc<Application>),
    AuthenticationType(Arc<AuthenticationType>),
    CallbackEndpoint(Arc<CallbackEndpoint>),
    InitialAccessToken(Arc<InitialAccessToken>),
    MobileAuthentication(Arc<MobileAuthentication>),
    PushConfiguration(Arc<PushConfiguration>),
    ResourceServer(Arc<ResourceServer>),
    Scope(Arc<Scope>),
    Sms(Arc<SmsConfiguration>),
    Tokens(Arc<TokenSettings>),
    WebClient(Arc<WebClient>),
}

impl Object {
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::ApiClient(_) => Kind::ApiClient,
            Self::Application(_) => Kind::Application,
            Self::AuthenticationType(_) => Kind::AuthenticationType,
            Self::CallbackEndpoint(_) => Kind::CallbackEndpoint,
            Self::InitialAccessToken(_) => Kind::InitialAccessToken,
            Self::MobileAuthentication(_) => Kind::MobileAuthentication,
            Self::PushConfiguration(_) => Kind::PushConfiguration,
            Self::ResourceServer(_) => Kind::ResourceServer,
            Self::Scope(_) => Kind::Scope,
            Self::Sms(_) => Kind::Sms,
            Self::Tokens(_) => Kind::Tokens,
            Self::WebClient(_) => Kind::WebClient,
        }
    }

    /// The name, unique among objects of the same kind.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ApiClient(client) => client.client_id.as_str(),
            Self::Application(application) => application.id.as_str(),
            Self::AuthenticationType(authentication_type) => &authentication_type.name,
            Self::CallbackEndpoint(endpoint) => &endpoint.url,
            Self::InitialAccessToken(token) => &token.name,
            Self::PushConfiguration(configuration) => &configuration.name,
            Self::ResourceServer(server) => &server.id,
            Self::Scope(scope) => &scope.id,
            Self::WebClient(client) => client.client_id.as_str(),
            Self::MobileAuthentication(_) | Self::Sms(_) | Self::Tokens(_) => SINGLETON_NAME,
        }
    }

    pub(super) fn key(&self) -> ObjectKey {
        (self.kind(), self.name().to_owned())
    }
}

pub(super) type ObjectKey = (Kind, String);

/// Objects in a fixed order.
pub(super) type Objects = BTreeMap<ObjectKey, Object>;

impl Settings {
    /// Builds a snapshot from these objects.
    pub(super) fn from_objects(revision: i64, objects: impl IntoIterator<Item = Object>) -> Self {
        let mut settings = Self {
            revision,
            ..Self::default()
        };
        for object in objects {
            settings.put(object);
        }

        settings
    }

    fn put(&mut self, object: Object) {
        match object {
            Object::ApiClient(client) => {
                drop(self.api_clients.insert(client.client_id.clone(), client));
            }
            Object::Application(application) => {
                drop(
                    self.applications
                        .insert(application.id.clone(), application),
                );
            }
            Object::AuthenticationType(value) => {
                drop(self.authentication_types.insert(value.name.clone(), value));
            }
            Object::CallbackEndpoint(endpoint) => {
                drop(
                    self.callback_endpoints
                        .insert(endpoint.url.clone(), endpoint),
                );
            }
            Object::InitialAccessToken(token) => {
                drop(self.initial_access_tokens.insert(token.name.clone(), token));
            }
            Object::PushConfiguration(configuration) => {
                drop(
                    self.push_configurations
                        .insert(configuration.name.clone(), configuration),
                );
            }
            Object::MobileAuthentication(general) => self.mobile_authentication = general,
            Object::ResourceServer(server) => {
                drop(self.resource_servers.insert(server.id.clone(), server));
            }
            Object::Scope(scope) => drop(self.scopes.insert(scope.id.clone(), scope)),
            Object::Sms(gateway) => self.sms = Some(gateway),
            Object::Tokens(general) => self.tokens = general,
            Object::WebClient(client) => {
                drop(self.web_clients.insert(client.client_id.clone(), client));
            }
        }
    }

    /// Takes the snapshot apart.
    pub(super) fn objects(&self) -> Objects {
        let clients = self.api_clients.values().cloned().map(Object::ApiClient);
        let applications = self.applications.values().cloned().map(Object::Application);

        let types = self
            .authentication_types
            .values()
            .cloned()
            .map(Object::AuthenticationType);

        let endpoints = self
            .callback_endpoints
            .values()
            .cloned()
            .map(Object::CallbackEndpoint);

        let configurations = self
            .push_configurations
            .values()
            .cloned()
            .map(Object::PushConfiguration);

        let servers = self
            .resource_servers
            .values()
            .cloned()
            .map(Object::ResourceServer);

        let tokens = self
            .initial_access_tokens
            .values()
            .cloned()
            .map(Object::InitialAccessToken);

        let scopes = self.scopes.values().cloned().map(Object::Scope);
        let sms = self.sms.iter().cloned().map(Object::Sms);
        let web_clients = self.web_clients.values().cloned().map(Object::WebClient);

        let general = [
            Object::MobileAuthentication(Arc::clone(&self.mobile_authentication)),
            Object::Tokens(Arc::clone(&self.tokens)),
        ];

        let all = clients
            .chain(applications)
            .chain(types)
            .chain(endpoints)
            .chain(configurations)
            .chain(servers)
            .chain(tokens);

        let all = all
            .chain(scopes)
            .chain(sms)
            .chain(web_clients)
            .chain(general);

        // In the order of their keys, whatever order the maps have: two plans of the same change
        // are the same text.
        all.map(|object| (object.key(), object)).collect()
    }
}
