//! The token server.

mod authorize;
mod built_in_pages;
mod consent_requests;
mod device_authorization;
mod introspect;
mod keys;
mod login_requests;
mod logout;
mod metadata;
mod page_requests;
mod pushed;
mod redirect;
mod register;
mod revoke;
mod token;
mod token_info;
mod user_code_page;
mod userinfo;

use super::endpoint::{Listener, Section};

pub(super) const SECTION: Section = Section {
    listener: Listener::Public,
    name: "Token server",
    description: "OAuth 2.0 and OpenID Connect: for web clients, apps, resource servers, and the \
                  pages that log users in.",
    tables: &[
        token::ENDPOINTS,
        introspect::ENDPOINTS,
        userinfo::ENDPOINTS,
        keys::ENDPOINTS,
        metadata::ENDPOINTS,
        register::ENDPOINTS,
        authorize::ENDPOINTS,
        pushed::ENDPOINTS,
        revoke::ENDPOINTS,
        token_info::ENDPOINTS,
        login_requests::ENDPOINTS,
        logout::ENDPOINTS,
        consent_requests::ENDPOINTS,
        device_authorization::ENDPOINTS,
        user_code_page::ENDPOINTS,
    ],
};

pub(super) const BUILT_IN_PAGES: Section = Section {
    listener: Listener::Public,
    name: "Built-in pages",
    description: "Login and consent pages for trying the server out. They exist only with \
                  `development.login_page`.",
    tables: &[built_in_pages::ENDPOINTS],
};
