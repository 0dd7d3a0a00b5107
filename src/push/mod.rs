//! Pushes to devices.
//!
//! `types` says what a push service is: its name, the platforms it reaches, its credentials, its
//! addresses, and how it sends. `services` holds each of them; `sender` sends by the one that a
//! configuration is for.

mod sender;
mod services;
mod types;

pub use sender::ProviderPush;
pub use services::Transport;
pub use types::{
    ApnsEnvironment, CredentialField, CredentialForm, Credentials, PUSH_ADDRESS_BYTES_MAX,
    PushConfiguration, PushDestination, PushMessage, PushSender, PushService,
};
