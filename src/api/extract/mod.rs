//! What handlers take from a request: who is calling, and what they send. Each parameter is a type
//! that exists only if it was checked.
//!
//! [`Extract`] says how a type is taken from a request and how the OpenAPI document describes it. A
//! handler's parameters are extracted in their order, and the first error is the response. So a
//! handler names the caller first: who has no right to call learns nothing about the request, and
//! no more of it is read.

mod bearer;
mod body;
mod client;
mod client_credentials;
mod cookies;
mod dpop;
mod fields;
mod form;
mod idempotency;
mod json;
mod language;
mod path;
mod query;
mod request;
mod site;
mod source;
mod visitor;

pub(crate) use bearer::{
    DeviceToken, FreshUserToken, InitialAccessToken, OpenIdToken, RegistrationToken, UserToken,
};
pub(crate) use client::{
    Administrator, LoginPage, Portal, ResourceServerForm, Website, WebsiteForm,
};
pub(crate) use client_credentials::{CredentialsForm, CredentialsQuery};
pub(crate) use cookies::{Cookies, set_cookie};
pub(crate) use dpop::DpopHeader;
pub(crate) use fields::{Fields, FromFields};
pub(crate) use form::Form;
pub(crate) use idempotency::IdempotencyHeader;
pub(crate) use json::{Json, read_json_object};
pub(crate) use language::AcceptLanguage;
pub(crate) use path::{Path, PathParameter};
pub(crate) use query::{Query, Wait};
pub(crate) use request::{Extract, Request};
pub(crate) use site::FromThisServer;
pub(crate) use source::Source;
pub(crate) use visitor::Visitor;
