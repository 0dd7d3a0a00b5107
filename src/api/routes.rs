//! Every endpoint there is: the one table from which routing, `Allow`, metrics and the check of the
//! OpenAPI document follow.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, Resource, Route, web};

use super::error::{ApiError, Fault};
use super::extract::fault;
use super::{device, end_user, management, oauth, website};

/// The address an endpoint is reached at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// Websites, phones, portals.
    Public,
    /// Administrators, health, metrics. Kept from the public.
    Management,
}

/// Makes a handler's route: routes are made anew for each worker.
type MakeRoute = fn() -> Route;

/// A path and what can be done with it.
pub(crate) struct Path {
    listener: Listener,
    pub(crate) pattern: &'static str,
    /// The methods below, as the `Allow` header has them.
    allow: &'static str,
    pub(crate) methods: &'static [(Method, MakeRoute)],
}

/// What the boundary wants to know of the path that matched.
#[derive(Clone, Copy)]
pub(crate) struct Matched {
    pub(crate) pattern: &'static str,
    allow: &'static str,
}

macro_rules! paths {
    ($($listener:ident $pattern:literal $allow:literal { $($method:ident $handler:path,)+ })+) => {
        &[$(Path {
            listener: Listener::$listener,
            pattern: $pattern,
            allow: $allow,
            methods: &[$((Method::$method, || web::to($handler)),)+],
        },)+]
    };
}

/// The router tries one path after the other: the busiest stand first.
pub(crate) const PATHS: &[Path] = paths! {
    Public "/oauth/api/v4/authenticate/user" "POST" { POST website::start, }
    Public "/oauth/api/v4/authenticate/user/{user_id}/sms" "POST" { POST website::verify_sms, }
    Public "/oauth/api/v4/authenticate/transaction/{transaction_id}" "GET, DELETE" {
        GET website::result,
        DELETE website::cancel,
    }
    Public "/device/v1/transactions" "GET" { GET device::pending, }
    Public "/device/v1/transactions/{transaction_id}" "GET" { GET device::fetch, }
    Public "/device/v1/transactions/{transaction_id}/answer" "POST" { POST device::answer, }
    Public "/device/v1/otp" "POST" { POST device::claim_otp, }
    Public "/oauth/token" "POST, GET" { POST oauth::token, GET oauth::token_info, }
    Public "/oauth/api/v2/token/introspect" "POST" { POST oauth::introspect_v2, }
    Public "/oauth/introspect" "POST" { POST oauth::introspect, }
    Public "/oauth/api/v1/token/introspect" "POST" { POST oauth::introspect_v1, }
    Public "/oauth/userinfo" "GET, POST" { GET oauth::userinfo, POST oauth::post_userinfo, }
    Public "/oauth/keys" "GET" { GET oauth::keys, }
    Public "/.well-known/openid-configuration" "GET" { GET oauth::openid_configuration, }
    Public "/.well-known/oauth-authorization-server" "GET" { GET oauth::authorization_server, }
    Public "/oauth/api/v4/authenticate/user/{user_id}/enabled" "GET" { GET website::available, }
    Public "/oauth/api/v4/authenticate/user/{user_id}/device/{device_id}/enabled" "GET" { GET website::available_on_device, }
    Public "/oauth/api/v4/authenticate/user/{user_id}/sms/resend" "POST" { POST website::resend_sms, }
    Public "/oauth/api/v4/authenticate/transaction/{transaction_id}/resend" "POST" { POST website::resend, }
    Public "/oauth/register" "POST" { POST oauth::register, }
    Public "/oauth/register/{device_id}" "GET, PUT, DELETE" {
        GET oauth::read_registration,
        PUT oauth::update_registration,
        DELETE oauth::delete_registration,
    }
    Public "/oauth/authorize" "GET, POST" { GET oauth::authorize, POST oauth::post_authorize, }
    Public "/oauth/authorize/resume" "GET" { GET oauth::resume_login, }
    Public "/oauth/par" "POST" { POST oauth::push_authorization_request, }
    Public "/oauth/revoke" "POST" { POST oauth::revoke, }
    Public "/oauth/api/v1/users/{user_id}/tokens" "GET, DELETE" {
        GET end_user::tokens,
        DELETE end_user::remove_tokens,
    }
    Public "/oauth/api/v1/users/{user_id}/tokens/{token_id}" "DELETE" { DELETE end_user::remove_token, }
    Public "/oauth/api/v1/users/{user_id}/consents" "GET" { GET end_user::consents, }
    Public "/oauth/api/v1/users/{user_id}/consents/{consent_id}" "DELETE" { DELETE end_user::remove_consent, }
    Public "/oauth/api/v1/login-requests/{challenge}" "GET" { GET oauth::login_request, }
    Public "/oauth/api/v1/login-requests/{challenge}/accept" "PUT" { PUT oauth::accept_login, }
    Public "/oauth/api/v1/login-requests/{challenge}/reject" "PUT" { PUT oauth::reject_login, }
    Public "/oauth/api/v1/consent-requests/{challenge}" "GET" { GET oauth::consent_request, }
    Public "/oauth/api/v1/consent-requests/{challenge}/accept" "PUT" { PUT oauth::accept_consent, }
    Public "/oauth/api/v1/consent-requests/{challenge}/reject" "PUT" { PUT oauth::reject_consent, }
    Public "/oauth/device_authorization" "POST" { POST oauth::authorize_device, }
    Public "/oauth/device" "GET, POST" { GET oauth::device_page, POST oauth::enter_user_code, }
    Public "/oauth/device/done" "GET" { GET oauth::device_done, }
    Public "/oauth/login" "GET, POST" { GET oauth::login_page, POST oauth::post_login, }
    Public "/oauth/consent" "GET, POST" { GET oauth::consent_page, POST oauth::post_consent, }
    Public "/device/v1/enrolment" "GET, POST, DELETE" {
        GET device::enrolment,
        POST device::enrol,
        DELETE device::end_enrolment,
    }
    Public "/device/v1/authenticators/{authenticator}" "PUT, DELETE" {
        PUT device::set_authenticator,
        DELETE device::remove_authenticator,
    }
    Public "/device/v1/push" "PUT, DELETE" { PUT device::enrol_push, DELETE device::remove_push, }
    Public "/device/v1/push-token" "PUT" { PUT device::replace_push_token, }
    Management "/livez" "GET" { GET management::livez, }
    Management "/readyz" "GET" { GET management::readyz, }
    Management "/metrics" "GET" { GET management::metrics, }
    Management "/openapi.json" "GET" { GET management::openapi, }
    Management "/docs" "GET" { GET management::docs, }
    Management "/api/v1/callbacks" "GET" { GET management::callbacks, }
    Management "/api/v1/callbacks/{callback_id}/replay" "POST" { POST management::replay_callback, }
    Management "/api/v1/users/{user_id}/disable" "POST" { POST management::disable_user, }
    Management "/api/v1/users/{user_id}/enable" "POST" { POST management::enable_user, }
    Management "/api/v1/users/{user_id}/rename" "POST" { POST management::rename_user, }
    Management "/api/v1/users/{user_id}/password-changed" "POST" { POST management::password_changed, }
    Management "/api/v1/users/{user_id}/devices/{device_id}/disconnect" "POST" { POST management::disconnect, }
    Management "/api/v1/devices/{device_id}" "DELETE" { DELETE management::delete_device, }
    Management "/api/v1/clients/{client_id}/revoke-tokens" "POST" { POST management::revoke_client_tokens, }
    Management "/api/v1/resource-servers/{resource_server_id}/revoke-tokens" "POST" {
        POST management::revoke_resource_server_tokens,
    }
};

/// Registers the endpoints of one listener.
pub fn configure(listener: Listener, services: &mut web::ServiceConfig) {
    for path in PATHS.iter().filter(|path| path.listener == listener) {
        services.service(resource(path));
    }
    if listener == Listener::Management {
        services.service(management::pages());
    }
    services.default_service(web::to(not_found));
}

fn resource(path: &Path) -> Resource {
    let matched = Matched {
        pattern: path.pattern,
        allow: path.allow,
    };
    let resource = web::resource(path.pattern)
        .app_data(matched)
        .default_service(web::to(method_not_allowed));
    path.methods
        .iter()
        .fold(resource, |resource, (method, handler)| {
            resource.route(handler().method(method.clone()))
        })
}

async fn not_found(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(fault(&request, &Fault::NotFound))
}

async fn method_not_allowed(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let allow = request
        .app_data::<Matched>()
        .map_or("", |matched| matched.allow);
    Err(fault(&request, &Fault::MethodNotAllowed { allow }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_names_the_methods_of_the_path() {
        for path in PATHS {
            let methods: Vec<&str> = path
                .methods
                .iter()
                .map(|(method, _)| method.as_str())
                .collect();
            assert_eq!(path.allow, methods.join(", "), "{}", path.pattern);
        }
    }

    #[test]
    fn each_path_is_there_once() {
        let mut patterns: Vec<&str> = PATHS.iter().map(|path| path.pattern).collect();
        patterns.sort_unstable();
        patterns.dedup();
        assert_eq!(patterns.len(), PATHS.len());
    }
}
