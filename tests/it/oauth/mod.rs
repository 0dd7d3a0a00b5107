//! The token server on real databases.

mod api_clients;
mod authorization_code;
mod authorize;
mod bulk_revocation;
mod claims;
mod client_credentials;
mod client_keys;
mod device_code;
mod dpop;
mod introspection;
mod jwt;
mod keys;
pub(crate) mod listing;
pub(crate) mod login;
mod login_requests;
mod openid;
mod pin;
mod pushed;
mod refresh;
mod relying_parties;
mod remade;
mod revocation;
mod sessions;
mod token_exchange;
mod web;
