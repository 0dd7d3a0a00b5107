//! A user's way from what a client asks to what it gets: log-in, consent, then a code, or the
//! answer that an appliance waits for.
//!
//! One row stands for it from beginning to end. Who the user is, and what the user consents to, is
//! found out by pages that are not part of the token server.
//!
//! - `authorize` takes the requests of browsers, `pushed` those of clients, `appliance` those of
//!   appliances; `check` and `redirect` decide whether they are accepted.
//! - `state` says what may follow what, `steps` carries a step out, `flow` saves it, and only if
//!   the row is still where the step began.
//! - `login` and `consent` answer the pages, `resume` takes the browser back from them, `sessions`
//!   remembers logins, `logout` ends them, `logout_notice` is what clients hear of that.

mod appliance;
mod authorize;
mod browser;
mod check;
mod consent;
mod error;
mod flow;
mod guesses;
mod login;
mod logout;
mod logout_notice;
mod page_request;
mod pages;
mod persist;
mod pushed;
mod redirect;
mod rejection;
mod resume;
mod sessions;
mod state;
mod steps;
mod user_code;
mod verifier;

use std::sync::Arc;

use parking_lot::Mutex;

use super::clients::Clients;
use super::issuer::Issuer;
use super::keys::SigningKeys;
use super::tokens::IdTokenHints;
use crate::base::Base;
use flow::Flow;
use logout_notice::LogoutNotices;
use page_request::PageRequests;
use sessions::Sessions;
use steps::Steps;

pub use appliance::ApplianceAuthorization;
pub use browser::{Browser, BrowserCookie, Redirect};
pub use consent::{AcceptConsent, ConsentRequest};
pub use error::{
    AuthorizationError, AuthorizeRefusal, PageRequestError, PushedRequestError, UserCodeRefusal,
};
pub use login::{AcceptLogin, LoginRequest};
pub use logout::{Logout, LogoutRefusal, LogoutRequest};
pub use page_request::{RequestedScope, RequestingInstallation};
pub use pushed::PushedReference;
pub use rejection::Rejection;

pub(super) use appliance::Appliances;
pub(super) use authorize::AuthorizationEndpoint;
pub(super) use consent::Consents;
pub(super) use login::Logins;
pub(super) use logout::Logouts;
pub(super) use pages::Pages;
pub(super) use pushed::PushedRequests;

/// Everything of a user's way that others call.
pub(super) struct Rooms {
    pub(super) endpoint: Arc<AuthorizationEndpoint>,
    pub(super) pushed_requests: Arc<PushedRequests>,
    pub(super) logins: Arc<Logins>,
    pub(super) consents: Arc<Consents>,
    pub(super) appliances: Arc<Appliances>,
    pub(super) logouts: Arc<Logouts>,
}

impl Rooms {
    pub(super) fn new(
        base: &Base,
        issuer: &Issuer,
        clients: &Arc<Clients>,
        pages: &Arc<Pages>,
        id_tokens: &Arc<IdTokenHints>,
        keys: &Arc<SigningKeys>,
    ) -> Self {
        let sessions = Arc::new(Sessions { base: base.clone() });

        let flow = Arc::new(Flow {
            base: base.clone(),
            steps: Steps {
                base: base.clone(),
                issuer: issuer.clone(),
                pages: pages.clone(),
            },
        });

        let requests = Arc::new(PageRequests {
            base: base.clone(),
            clients: clients.clone(),
        });

        let pushed_requests = Arc::new(PushedRequests {
            base: base.clone(),
            clients: clients.clone(),
        });

        Self {
            endpoint: Arc::new(AuthorizationEndpoint {
                base: base.clone(),
                issuer: issuer.clone(),
                clients: clients.clone(),
                pushed: pushed_requests.clone(),
                requests: requests.clone(),
                id_tokens: id_tokens.clone(),
                sessions: sessions.clone(),
                flow: flow.clone(),
            }),
            logins: Arc::new(Logins {
                base: base.clone(),
                requests: requests.clone(),
                flow: flow.clone(),
            }),
            consents: Arc::new(Consents {
                base: base.clone(),
                requests,
                flow: flow.clone(),
            }),
            logouts: Arc::new(Logouts {
                base: base.clone(),
                clients: clients.clone(),
                id_tokens: id_tokens.clone(),
                sessions: sessions.clone(),
                notices: LogoutNotices::new(base, issuer, keys),
            }),
            appliances: Arc::new(Appliances {
                base: base.clone(),
                issuer: issuer.clone(),
                clients: clients.clone(),
                sessions,
                flow,
                guesses: Mutex::default(),
            }),
            pushed_requests,
        }
    }
}
