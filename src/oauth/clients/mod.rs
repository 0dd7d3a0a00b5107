//! Who a client is, and how it proves that: with a secret, or with its key.
//!
//! Web clients and API clients are configured; devices have registered. Web clients and devices get
//! tokens, API clients use the server's own APIs and authenticate with each call.

mod assertion;
mod authenticate;
mod client;
mod credentials;
mod error;
mod jwks;
mod secret;

pub use credentials::{CLIENT_ASSERTION_TYPE, Credentials, PresentedCredentials, PresentedSecret};
pub use error::ClientError;

pub(crate) use authenticate::{AuthenticatedClient, Clients};
pub(crate) use client::Client;
