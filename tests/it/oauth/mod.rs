//! The token server on real databases.

mod api_clients;
mod authorization_code;
mod authorize;
mod client_credentials;
mod login;
mod login_requests;
mod pin;
mod refresh;
