//! What administrators configure: API clients, applications, scopes, authentication types,
//! providers and more.
//!
//! The configuration is a set of objects. [`Settings::from_file`] reads the wanted ones, [`plan()`]
//! compares them with the current ones, and [`StoredSettings`] stores them as documents in the
//! database, with their secrets sealed. A running server uses one snapshot of them, which is
//! replaced as a whole when something changes.

mod documents;
mod file;
mod objects;
mod persist;
mod plan;
mod problem;
mod references;
mod snapshot;
mod types;
mod validate;

pub use file::FileError;
pub use objects::{Kind, Object};
pub use persist::{SettingsError, StoredSettings};
pub use plan::{Action, Change, Plan, plan};
pub use problem::Problem;
pub use references::ReadVariable;
pub use snapshot::{CurrentSettings, Settings};
pub(crate) use types::web_origin;
pub use types::{
    ApiClient, ApnsEnvironment, Application, ApplicationVersion, AuthenticationMethod,
    AuthenticationType, CallbackEndpoint, ClientCredential, Enabled, GrantType, InitialAccessToken,
    MobileAuthentication, Permission, PinSettings, Platform, PushConfiguration, RESERVED_SCOPES,
    ResourceServer, Scope, SmsConfiguration, TokenFormat, TokenPolicy, TokenSettings,
    VersionStatus, WebClient,
};
