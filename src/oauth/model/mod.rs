//! What the token server keeps: the types that its rooms work with, and how each is written to and
//! read from its row.
//!
//! - A [`Grant`] is one login of one user at one client. Every token of the user rests on it, so
//!   that ending it is deleting one row.
//! - A [`RefreshFamily`] is a chain of refresh tokens under a grant; only the last of it is good.
//! - An [`AccessToken`] rests on a grant, or is a client's own.
//! - An [`Authorization`] is the way of a user to a code: an enum of states, each with what is
//!   known by then.
//! - A [`DeviceCode`] is what an appliance polls with until its user has decided (RFC 8628).
//!
//! Nothing else in `oauth` turns rows into types or types into rows. A row that no version of this
//! program writes is a [`CorruptRow`](crate::store::CorruptRow), never a default.

mod access_token;
mod actor;
mod assertions;
mod authorization;
mod authorization_row;
mod authorize_request;
mod claims;
mod client_ref;
mod consent;
mod device_code;
mod grant;
mod hints;
mod login;
mod portal;
mod refresh_family;
mod signing_key;

pub use actor::Actor;
pub use authorize_request::AuthorizeRequest;
pub use claims::Claims;

pub(crate) use access_token::{AccessToken, ListedAccessToken, LiveAccessToken, TokenUser};
pub(crate) use assertions::UsedAssertions;
pub(crate) use authorization::{
    AnswerTo, Authorization, AuthorizationState, Reason, RedirectAnswer,
};
pub(crate) use authorize_request::PushedRequest;
pub(crate) use client_ref::ClientRef;
pub(crate) use consent::Consent;
pub(crate) use device_code::{ApplianceAnswer, DeviceCode, DeviceCodeState};
pub(crate) use grant::{Grant, ListedGrant};
pub(crate) use hints::Hints;
pub(crate) use login::{Authentication, Login, LoginSession};
pub(crate) use portal::{GrantedToken, Protection};
pub(crate) use refresh_family::{LiveRefreshFamily, RefreshFamily};
pub(crate) use signing_key::StoredKey;
