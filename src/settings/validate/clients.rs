//! API clients, web clients and applications, and what they refer to.

use std::collections::{BTreeSet, HashSet};

use super::{Problems, exists, redirect_uris, tokens};
use crate::settings::objects::{Kind, Object, Objects};
use crate::settings::{
    ApiClient, Application, ApplicationVersion, GrantType, Permission, Platform, RESERVED_SCOPES,
    WebClient,
};

/// Reserved scopes that only installations have a use for.
const OF_INSTALLATIONS: [&str; 2] = ["device", "user"];

pub(super) fn api_client(client: &ApiClient, all: &Objects, problems: &mut Problems) {
    let may = |permission| client.permissions.contains(&permission);

    problems.check(
        !client.permissions.is_empty(),
        "permissions",
        "must name at least one",
    );

    for id in &client.resource_servers {
        let there = exists(all, Kind::ResourceServer, id);
        problems.check(
            there,
            "resource_servers",
            format!("there is no resource server of the id {id:?}"),
        );
    }

    let used = client.resource_servers.is_empty() || may(Permission::TokenIntrospection);
    problems.check(
        used,
        "resource_servers",
        "has no meaning without the permission `token_introspection`",
    );

    existing_clients("administers", &client.administers, all, problems);
    let used = client.administers.is_empty()
        || may(Permission::ListUsers)
        || may(Permission::ListUsersOtherClients);
    problems.check(
        used,
        "administers",
        "has no meaning without the permission `list_users`",
    );
}

pub(super) fn web_client(client: &WebClient, all: &Objects, problems: &mut Problems) {
    let id = client.client_id.as_str();
    // RFC 6749 appendix A.1.
    let printable = id.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    problems.check(printable, "client_id", "must be printable ASCII characters");

    for (kind, what) in [
        (Kind::ApiClient, "an API client"),
        (Kind::Application, "an application"),
    ] {
        problems.check(
            !exists(all, kind, id),
            "client_id",
            format!("there is {what} of this id"),
        );
    }

    problems.check_name("name", &client.name);

    redirect_uris::check(
        &client.redirect_uris,
        redirect_uris::Of::WebClient,
        problems,
    );

    grant_types(client, problems);
    known_scopes(&client.scopes, all, problems);

    for scope in client
        .scopes
        .iter()
        .filter(|scope| OF_INSTALLATIONS.contains(&scope.as_str()))
    {
        problems.check(
            false,
            "scopes",
            format!("{scope:?} is for installations of applications only"),
        );
    }

    tokens::policy(&client.tokens, problems);
}

fn grant_types(client: &WebClient, problems: &mut Problems) {
    let field = "grant_types";
    problems.check(
        !client.grant_types.is_empty(),
        field,
        "must name at least one",
    );

    let answered =
        !client.may_use(GrantType::AuthorizationCode) || !client.redirect_uris.is_empty();
    problems.check(
        answered,
        "redirect_uris",
        "must have at least one for the grant type authorization_code",
    );

    let proven = !client.may_use(GrantType::ClientCredentials) || !client.is_public();
    problems.check(
        proven,
        field,
        "client_credentials needs a client_secret or a public_jwk",
    );

    let begun =
        client.may_use(GrantType::AuthorizationCode) || client.may_use(GrantType::DeviceCode);
    let refreshes = !client.may_use(GrantType::RefreshToken) || begun;
    problems.check(
        refreshes,
        field,
        "refresh_token has no meaning without a grant type that logs users in",
    );
}

/// Scopes that are configured or reserved.
pub(super) fn known_scopes(scopes: &BTreeSet<String>, all: &Objects, problems: &mut Problems) {
    for scope in scopes {
        let known = RESERVED_SCOPES.contains(&scope.as_str()) || exists(all, Kind::Scope, scope);
        problems.check(
            known,
            "scopes",
            format!("there is no scope of the id {scope:?}"),
        );
    }
}

/// Ids of web clients and applications, which share one space of names.
pub(super) fn existing_clients(
    field: &str,
    ids: &BTreeSet<String>,
    all: &Objects,
    problems: &mut Problems,
) {
    for id in ids {
        let there = exists(all, Kind::WebClient, id) || exists(all, Kind::Application, id);
        problems.check(
            there,
            field,
            format!("there is no web client and no application of the id {id:?}"),
        );
    }
}

pub(super) fn application(application: &Application, all: &Objects, problems: &mut Problems) {
    problems.check_name("name", &application.name);

    redirect_uris::check(
        &application.redirect_uris,
        redirect_uris::Of::Application,
        problems,
    );

    for id in &application.custom_authenticators {
        problems.check_name("custom_authenticators", id);
    }

    known_scopes(&application.scopes, all, problems);
    tokens::policy(&application.tokens, problems);
    let mut seen = HashSet::new();
    for (index, version) in application.versions.iter().enumerate() {
        let new = seen.insert((version.platform, version.version.as_str()));
        let place = format!("versions[{index}]");
        problems.check(
            new,
            place.clone(),
            "this version is there twice for this platform",
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
            format!("there is no push configuration of the name {name:?}"),
        );
        return;
    };

    let platform = version.platform;
    let fits = configuration.provider.platform() == platform;
    problems.check(
        fits,
        field,
        format!(
            "the push configuration {name:?} is not for {}",
            platform.as_str()
        ),
    );

    let topic =
        platform != Platform::Ios || version.bundle_id.as_ref().is_some_and(|id| !id.is_empty());
    problems.check(
        topic,
        format!("{place}.bundle_id"),
        "is required for push on ios",
    );
}
