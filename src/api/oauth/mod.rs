//! The token server.

pub(crate) mod authorize;
pub(crate) mod login_requests;
pub(crate) mod register;
pub(crate) mod token;

pub(crate) use authorize::authorize;
pub(crate) use login_requests::{accept_login, login_request, reject_login};
pub(crate) use register::{delete_registration, read_registration, register, update_registration};
pub(crate) use token::token;
