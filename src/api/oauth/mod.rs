//! The token server.

pub(crate) mod authorize;
pub(crate) mod introspect;
pub(crate) mod keys;
pub(crate) mod login_requests;
pub(crate) mod metadata;
pub(crate) mod register;
pub(crate) mod token;
pub(crate) mod userinfo;

pub(crate) use authorize::authorize;
pub(crate) use introspect::{introspect, introspect_v1, introspect_v2};
pub(crate) use keys::keys;
pub(crate) use login_requests::{accept_login, login_request, reject_login};
pub(crate) use metadata::{authorization_server, openid_configuration};
pub(crate) use register::{delete_registration, read_registration, register, update_registration};
pub(crate) use token::token;
pub(crate) use userinfo::{post_userinfo, userinfo};
