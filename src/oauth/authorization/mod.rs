//! A user's way from what a client asks to what it gets: log-in, consent, then a code, or the
//! answer to a device that waits.
//!
//! One row stands for it all the way; `state` says what may follow what, and each step is saved
//! only if the row is still where the step began. Who the user is, and what they consent to,
//! somebody else's pages find out.

mod authorize;
mod check;
mod code;
mod consent;
mod device;
mod guesses;
mod hints;
mod login;
mod page;
mod persist;
mod pkce;
mod progress;
mod pushed;
mod redirect;
mod request;
mod sessions;
mod state;
mod user_code;

use std::time::Duration;

pub use authorize::AuthorizeRefusal;
pub use check::AuthorizationError;
pub use consent::{AcceptConsent, ConsentRequest};
pub use device::{DeviceAuthorization, UserCodeRefusal};
pub use login::{AcceptLogin, LoginRequest, RejectLogin};
pub use page::{Installed, PageRequestError, ScopeAsked};
pub use pushed::{PushedRequest, PushedRequestError};
pub use request::AuthorizeRequest;
pub use sessions::{Browser, BrowserCookie, Redirect, SESSION_TIME_TO_LIVE};

pub(super) use code::{CodeVerdict, PresentedCode, decide_code};
pub(super) use device::{DeviceCodeStatus, PollVerdict, decide_poll};
pub(super) use guesses::Guesses;
pub(super) use persist::{find_device_code, note_poll};
pub(super) use state::AuthorizationStatus;

/// How long the user may take to log in, and then to consent.
const PAGE_TIME_TO_LIVE: Duration = Duration::from_secs(600);
/// How long a code may be on its way.
const CODE_TIME_TO_LIVE: Duration = Duration::from_secs(60);
