//! Validates API clients, web clients and applications.

use std::collections::HashSet;

use url::Url;

use super::existence::{check_clients, check_ids, check_scopes, exists};
use super::problems::Problems;
use super::redirect_uris::{self, Owner};
use super::tokens;
use crate::config::is_loopback;
use crate::settings::objects::{Kind, Object, Objects};
use crate::settings::types::{
    ApiClient, Application, ApplicationVersion, ClientCredential, GrantType, Permission, WebClient,
    web_origin,
};

/// Reserved scopes that only devices may have.
const DEVICE_SCOPES: [&str; 2] = ["device", "user"];

pub(super) fn api_client(client: &ApiClient, all: &Objects, problems: &mut Problems) {
    let may = |permission| client.permissions.contains(&permission);

    problems.check(
        !client.permissions.is_empty(),
        "permissions",
        "must name at least one",
    );

    let kind = (Kind::ResourceServer, "resource server");
    let field = "resource_servers";
    check_ids(field, &client.resource_servers, kind, all, problems);

    problems.check(
        client.resource_servers.is_empty()
            || may(Permission::TokenIntrospection)
            || may(Permission::TokenIntrospectionAll),
        "resource_servers",
        "is only allowed with the permission `token_introspection`",
    );

    jwks_uri(&client.credentials, problems);
    check_clients("administers", &client.administers, all, problems);
    // Without the permission the list has no effect, which nobody would notice.
    let may_list = may(Permission::ListUsers) || may(Permission::ListUsersOtherClients);
    problems.check(
        client.administers.is_empty() || may_list,
        "administers",
        "is only allowed with the permission `list_users`",
    );
}

pub(super) fn web_client(client: &WebClient, all: &Objects, problems: &mut Problems) {
    let id = client.client_id.as_str();

    // RFC 6749 appendix A.1.
    let printable = id.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    problems.check(printable, "client_id", "must be printable ASCII characters");

    for (kind, name) in [
        // A request names its client by nothing but the id, so that web clients, API clients and
        // applications share one namespace.
        (Kind::ApiClient, "an API client"),
        (Kind::Application, "an application"),
    ] {
        problems.check(
            !exists(all, kind, id),
            "client_id",
            format!("there is {name} with this id"),
        );
    }

    problems.check_name("name", &client.name);
    for (field, uris) in [
        ("redirect_uris", &client.redirect_uris),
        (
            "post_logout_redirect_uris",
            &client.post_logout_redirect_uris,
        ),
    ] {
        redirect_uris::check(field, uris, Owner::WebClient, problems);
    }
    problems.check(
        client
            .backchannel_logout_uri
            .as_deref()
            .is_none_or(is_secure),
        "backchannel_logout_uri",
        "must be an https address, or an http one of this machine",
    );
    grant_types(client, problems);
    jwks_uri(&client.credentials, problems);

    check_scopes(&client.scopes, all, problems);

    for scope in &client.scopes {
        problems.check(
            // They stand for a device, and open this server's own API to it.
            !DEVICE_SCOPES.contains(&scope.as_str()),
            "scopes",
            format!("{scope:?} is only for devices of applications"),
        );
    }

    problems.check(
        client.require_pkce || !client.is_public(),
        "require_pkce",
        "must be true for a client without a client_secret and public_jwk",
    );

    for origin in client.allowed_origins.iter().flatten() {
        problems.check(
            web_origin(origin).as_ref() == Some(origin),
            "allowed_origins",
            format!("{origin:?} is not an origin, such as https://app.example"),
        );
    }

    tokens::policy(&client.tokens, problems);
}

fn jwks_uri(credentials: &[ClientCredential], problems: &mut Problems) {
    for credential in credentials {
        let ClientCredential::KeysAt(address) = credential else {
            continue;
        };

        problems.check(
            is_secure(address),
            "jwks_uri",
            "must be an https address, or an http one of this machine",
        );
        // RFC 7591 §2: never both.
        problems.check(
            credentials.len() == 1,
            "jwks_uri",
            "is the only credential of a client that has one",
        );
    }
}

/// Whether nobody on the way can change what an address answers.
fn is_secure(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    })
}

fn grant_types(client: &WebClient, problems: &mut Problems) {
    let uses = |grant_type| client.may_use(grant_type);
    let field = "grant_types";

    problems.check(
        !client.grant_types.is_empty(),
        field,
        "must name at least one",
    );

    problems.check(
        !uses(GrantType::AuthorizationCode) || !client.redirect_uris.is_empty(),
        "redirect_uris",
        "must have at least one for the grant type authorization_code",
    );

    for grant_type in [GrantType::ClientCredentials, GrantType::TokenExchange] {
        problems.check(
            !uses(grant_type) || !client.is_public(),
            field,
            format!(
                "{} needs a client_secret, a public_jwk or a jwks_uri",
                grant_type.as_str()
            ),
        );
    }

    // Refresh tokens are only issued when a user logs in.
    let logs_users_in = uses(GrantType::AuthorizationCode) || uses(GrantType::DeviceCode);
    problems.check(
        !uses(GrantType::RefreshToken) || logs_users_in,
        field,
        "refresh_token needs authorization_code or the device code grant",
    );
}

pub(super) fn application(application: &Application, all: &Objects, problems: &mut Problems) {
    problems.check_name("name", &application.name);
    let uris = &application.redirect_uris;
    redirect_uris::check("redirect_uris", uris, Owner::Application, problems);

    for id in &application.custom_authenticators {
        problems.check_name("custom_authenticators", id);
    }

    check_scopes(&application.scopes, all, problems);
    tokens::policy(&application.tokens, problems);

    let mut seen = HashSet::new();

    for (index, version) in application.versions.iter().enumerate() {
        // Of two, the first would be found, and disabling the other one would do nothing.
        let new = seen.insert((version.platform, version.version.as_str()));
        let place = format!("versions[{index}]");
        problems.check(
            new,
            place.clone(),
            "this platform has the same version twice",
        );

        application_version(&place, version, all, problems);
    }
}

fn application_version(
    place: &str,
    version: &ApplicationVersion,
    all: &Objects,
    problems: &mut Problems,
) {
    problems.check_name(format!("{place}.version"), &version.version);

    let Some(name) = &version.push_configuration else {
        return;
    };

    let field = format!("{place}.push_configuration");
    let Some(Object::PushConfiguration(configuration)) =
        all.get(&(Kind::PushConfiguration, name.clone()))
    else {
        problems.check(
            false,
            field,
            format!("there is no push configuration with the name {name:?}"),
        );

        return;
    };

    let platform = version.platform;
    let fits = configuration.platform == platform;
    problems.check(
        fits,
        field,
        format!(
            "the push configuration {name:?} is not for {}",
            platform.as_str()
        ),
    );

    // The bundle id is APNs' topic.
    let needs_bundle_id = fits && configuration.service.needs_bundle_id;
    let has_bundle_id = version.bundle_id.as_ref().is_some_and(|id| !id.is_empty());
    problems.check(
        has_bundle_id || !needs_bundle_id,
        format!("{place}.bundle_id"),
        format!("is required for push on {}", platform.as_str()),
    );
}
