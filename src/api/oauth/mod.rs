//! The token server.

pub(crate) mod authorize;
pub(crate) mod consent_requests;
pub(crate) mod device_authorization;
pub(crate) mod introspect;
pub(crate) mod keys;
pub(crate) mod login_requests;
pub(crate) mod metadata;
pub(crate) mod pages;
pub(crate) mod pushed;
mod redirect;
pub(crate) mod register;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod token_info;
pub(crate) mod userinfo;

pub(crate) use authorize::{authorize, post_authorize, resume_login};
pub(crate) use consent_requests::{accept_consent, consent_request, reject_consent};
pub(crate) use device_authorization::authorize_device;
pub(crate) use introspect::{introspect, introspect_v1, introspect_v2};
pub(crate) use keys::keys;
pub(crate) use login_requests::{accept_login, login_request, reject_login};
pub(crate) use metadata::{authorization_server, openid_configuration};
pub(crate) use pages::built_in::{consent_page, login_page, post_consent, post_login};
pub(crate) use pages::device::{device_done, device_page, enter_user_code};
pub(crate) use pushed::push_authorization_request;
pub(crate) use register::{delete_registration, read_registration, register, update_registration};
pub(crate) use revoke::revoke;
pub(crate) use token::token;
pub(crate) use token_info::token_info;
pub(crate) use userinfo::{post_userinfo, userinfo};
