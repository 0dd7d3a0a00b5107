//! The OpenAPI document, from the descriptions beside the handlers. A test holds it against the
//! table of routes.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi as Document};
use utoipa::{Modify, OpenApi};

use super::{device, end_user, management, oauth, website};

/// The document of both listeners.
pub(crate) fn document() -> Document {
    Api::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Countersign", description = "Asks people on their phones, and issues the tokens their apps need."),
    paths(
        website::availability::available,
        website::availability::available_on_device,
        website::start::start,
        website::result::result,
        website::result::cancel,
        website::result::resend,
        website::sms::verify_sms,
        website::sms::resend_sms,
        oauth::register::register,
        oauth::register::read_registration,
        oauth::register::update_registration,
        oauth::register::delete_registration,
        oauth::authorize::authorize,
        oauth::authorize::post_authorize,
        oauth::authorize::resume_login,
        oauth::pushed::push_authorization_request,
        oauth::device_authorization::authorize_device,
        oauth::token::token,
        oauth::token_info::token_info,
        oauth::introspect::introspect,
        oauth::introspect::introspect_v1,
        oauth::introspect::introspect_v2,
        oauth::userinfo::userinfo,
        oauth::userinfo::post_userinfo,
        oauth::keys::keys,
        oauth::metadata::openid_configuration,
        oauth::metadata::authorization_server,
        oauth::revoke::revoke,
        end_user::tokens::tokens,
        end_user::tokens::remove_token,
        end_user::tokens::remove_tokens,
        end_user::consents::consents,
        end_user::consents::remove_consent,
        oauth::login_requests::login_request,
        oauth::login_requests::accept_login,
        oauth::login_requests::reject_login,
        oauth::consent_requests::consent_request,
        oauth::consent_requests::accept_consent,
        oauth::consent_requests::reject_consent,
        oauth::pages::device::device_page,
        oauth::pages::device::enter_user_code,
        oauth::pages::device::device_done,
        oauth::pages::built_in::login_page,
        oauth::pages::built_in::post_login,
        oauth::pages::built_in::consent_page,
        oauth::pages::built_in::post_consent,
        device::enrolment::enrol,
        device::enrolment::enrolment,
        device::enrolment::end_enrolment,
        device::authenticators::set_authenticator,
        device::authenticators::remove_authenticator,
        device::push::enrol_push,
        device::push::remove_push,
        device::push::replace_push_token,
        device::transactions::pending,
        device::transactions::fetch,
        device::transactions::answer,
        device::transactions::claim_otp,
        management::health::livez,
        management::health::readyz,
        management::health::metrics,
        management::docs::openapi,
        management::docs::docs,
        management::callbacks::callbacks,
        management::callbacks::replay_callback,
        management::users::disable_user,
        management::users::enable_user,
        management::users::rename_user,
        management::users::password_changed,
        management::devices::disconnect,
        management::devices::delete_device,
        management::revocation::revoke_client_tokens,
        management::revocation::revoke_resource_server_tokens,
    ),
    modifiers(&Schemes),
)]
struct Api;

/// How callers authenticate.
struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Components::new);
        let http = |scheme, about: &str| {
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(scheme)
                    .description(Some(about))
                    .build(),
            )
        };
        components.add_security_scheme(
            "basic",
            http(HttpAuthScheme::Basic, "An API client's id and secret."),
        );
        let device = "The access token of an installation, or of a user on it.";
        components.add_security_scheme("device_token", http(HttpAuthScheme::Bearer, device));
        let user = "The access token of a user on an installation.";
        components.add_security_scheme("user_token", http(HttpAuthScheme::Bearer, user));
        let openid = "The access token of a user, with the scope `openid`.";
        components.add_security_scheme("openid_token", http(HttpAuthScheme::Bearer, openid));
        let registration = "The registration access token of an installation.";
        components.add_security_scheme(
            "registration_token",
            http(HttpAuthScheme::Bearer, registration),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::document;
    use crate::api::routes::PATHS;

    #[test]
    fn every_endpoint_is_described_and_nothing_else() {
        let document = serde_json::to_value(document()).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods
                    .as_object()
                    .unwrap()
                    .keys()
                    .map(|method| (method.to_uppercase(), path.clone()))
            })
            .collect();
        let routed: BTreeSet<(String, String)> = PATHS
            .iter()
            .flat_map(|path| {
                path.methods
                    .iter()
                    .map(|(method, _)| (method.to_string(), path.pattern.to_owned()))
            })
            .collect();
        assert_eq!(described, routed);
    }

    #[test]
    fn references_lead_somewhere() {
        let document = serde_json::to_value(document()).unwrap();
        let text = document.to_string();
        for reference in text
            .split("\"$ref\":\"#")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
