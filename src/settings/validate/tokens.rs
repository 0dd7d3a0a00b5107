//! Validates scopes, resource servers, and the lifetimes of tokens.

use std::ops::RangeInclusive;

use url::Url;

use super::existence::{check_clients, check_scopes};
use super::problems::{Problems, has_uri_characters};
use crate::settings::objects::{Object, Objects};
use crate::settings::types::{ResourceServer, Scope, TokenPolicy, TokenSettings};

const ACCESS_TOKEN_SECONDS: RangeInclusive<u32> = 30..=86_400;
const REFRESH_TOKEN_SECONDS: RangeInclusive<u32> = 60..=31_536_000;
/// Ten years.
const REFRESH_TOKEN_SECONDS_MAX: u32 = 315_360_000;
const SCOPE_BYTES_MAX: usize = 64;
const DESCRIPTION_CHARACTERS_MAX: u32 = 1_000;
const AUDIENCE_BYTES_MAX: usize = 2_048;

pub(super) fn scope(scope: &Scope, problems: &mut Problems) {
    let fits =
        (1..=SCOPE_BYTES_MAX).contains(&scope.id.len()) && scope.id.bytes().all(is_scope_byte);

    let problem = format!(
        "must have 1 to {SCOPE_BYTES_MAX} printable ASCII characters, no blanks, quotes or backslashes"
    );
    problems.check(fits, "id", problem);

    problems.check_texts(
        "descriptions",
        &scope.descriptions,
        DESCRIPTION_CHARACTERS_MAX,
    );
}

/// RFC 6749 §3.3 (NQCHAR): `%x21 / %x23-5B / %x5D-7E`.
const fn is_scope_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

pub(super) fn resource_server(server: &ResourceServer, all: &Objects, problems: &mut Problems) {
    problems.check_name("id", &server.id);
    problems.check_name("name", &server.name);

    problems.check(
        is_audience(&server.audience),
        "audience",
        "must be an absolute URI without fragment",
    );

    // Resource servers are found by their audience, which therefore stands for one of them.
    let same = |object: &Object| match object {
        Object::ResourceServer(other) => other.id != server.id && other.audience == server.audience,
        _ => false,
    };
    problems.check(
        !all.values().any(same),
        "audience",
        "there is another resource server with this audience",
    );

    check_clients(
        "permitted_clients",
        &server.permitted_clients,
        all,
        problems,
    );

    check_scopes(&server.scopes, all, problems);

    if let Some(lifetime) = server.access_token_lifetime_seconds {
        problems.check_range(
            "access_token_lifetime_seconds",
            lifetime,
            ACCESS_TOKEN_SECONDS,
        );
    }
}

/// RFC 8707 §2.
fn is_audience(audience: &str) -> bool {
    // A relative URI is no identifier, and a fragment says nothing about a server.
    let absolute = Url::parse(audience).is_ok_and(|url| url.fragment().is_none());
    absolute && has_uri_characters(audience) && audience.len() <= AUDIENCE_BYTES_MAX
}

pub(super) fn policy(tokens: &TokenPolicy, problems: &mut Problems) {
    let TokenPolicy {
        access_token_lifetime_seconds,
        refresh_token_lifetime_seconds,
        ..
    } = *tokens;

    problems.check_range(
        "tokens.access_token_lifetime_seconds",
        access_token_lifetime_seconds,
        ACCESS_TOKEN_SECONDS,
    );

    problems.check_range(
        "tokens.refresh_token_lifetime_seconds",
        refresh_token_lifetime_seconds,
        REFRESH_TOKEN_SECONDS,
    );

    // Below the idle timeout, that would never be reached.
    let range = refresh_token_lifetime_seconds..=REFRESH_TOKEN_SECONDS_MAX;
    let in_range = range.contains(&tokens.refresh_token_max_lifetime_seconds);

    let problem = format!(
        "must be from refresh_token_lifetime_seconds to {REFRESH_TOKEN_SECONDS_MAX} (ten years)"
    );
    problems.check(
        in_range,
        "tokens.refresh_token_max_lifetime_seconds",
        problem,
    );
}

pub(super) fn general(general: &TokenSettings, problems: &mut Problems) {
    problems.check_range(
        "refresh_grace_seconds",
        general.refresh_grace_seconds,
        0..=30,
    );

    problems.check_range(
        "signing_key_rotation_days",
        general.signing_key_rotation_days,
        1..=3_650,
    );

    problems.check_range(
        "signing_key_lead_hours",
        general.signing_key_lead_hours,
        1..=720,
    );

    problems.check_range(
        "session_idle_seconds",
        general.session_idle_seconds,
        60..=31_536_000,
    );

    let max_in_range =
        (general.session_idle_seconds..=31_536_000).contains(&general.session_max_seconds);
    problems.check(
        max_in_range,
        "session_max_seconds",
        "must be from session_idle_seconds to 31536000 (a year)",
    );
}
