//! Everything about an authorization request except for its client and its redirect address. Pure.

use std::sync::Arc;

use super::error::AuthorizationError;
use crate::oauth::clients::Client;
use crate::oauth::error::OAuthError;
use crate::oauth::model::{AuthorizeRequest, Hints};
use crate::oauth::scope::Requested;
use crate::oauth::{pkce, resource, scope};
use crate::settings::{GrantType, ResourceServer, Settings};

/// The longest `state` and `nonce`, in characters.
const STATE_CHARACTERS_MAX: usize = 4096;
/// The `response_mode` by which the answer is posted (OAuth 2.0 Form Post Response Mode).
pub(super) const FORM_POST: &str = "form_post";
/// The longest hint, in bytes.
const HINT_BYTES_MAX: usize = 255;

const fn invalid(description: &'static str) -> AuthorizationError {
    AuthorizationError::new("invalid_request", description)
}

/// What a client asks for, checked.
pub(super) struct CheckedRequest {
    pub(super) scope: String,
    pub(super) resource_server: Option<Arc<ResourceServer>>,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    /// `None` where the client need not send one and did not.
    pub(super) code_challenge: Option<String>,
    pub(super) jkt: Option<String>,
    pub(super) hints: Hints,
}

/// Checks what a client asks for.
pub(super) fn check(
    settings: &Settings,
    client: &Client,
    request: &AuthorizeRequest,
) -> Result<CheckedRequest, AuthorizationError> {
    // To ignore a request object would be to serve other parameters than those that the client
    // signed (RFC 9101).
    if request.request.is_some() {
        return Err(AuthorizationError::new(
            "request_not_supported",
            "request: request objects are not supported; push the request.",
        ));
    }

    check_response(request)?;

    check_length(
        request.state.as_deref(),
        "state: must not be longer than 4096 characters.",
    )?;

    check_length(
        request.nonce.as_deref(),
        "nonce: must not be longer than 4096 characters.",
    )?;

    if !client.may_use(GrantType::AuthorizationCode) {
        return Err(AuthorizationError::new(
            "unauthorized_client",
            "The client is not configured for authorization codes.",
        ));
    }

    let code_challenge = check_challenge(client, request)?;
    let jkt = request.dpop_jkt.clone();
    if jkt
        .as_deref()
        .is_some_and(|jkt| !pkce::is_encoded_hash(jkt))
    {
        return Err(invalid(
            "dpop_jkt: must be the base64url SHA-256 thumbprint of a key.",
        ));
    }

    let (scope, resource) = (request.scope.as_deref(), request.resource.as_deref());
    let (scope, resource_server) =
        user_scope(settings, client, scope, resource).map_err(of_scope)?;

    Ok(CheckedRequest {
        scope,
        resource_server,
        state: request.state.clone(),
        nonce: request.nonce.clone(),
        code_challenge,
        jkt,
        hints: hints(request)?,
    })
}

/// The scopes a client asks users for, and the resource server.
pub(super) fn user_scope(
    settings: &Settings,
    client: &Client,
    requested: Option<&str>,
    resource: Option<&str>,
) -> Result<(String, Option<Arc<ResourceServer>>), OAuthError> {
    let default = || client.default_user_scope();
    let scope = scope::decide(requested, default, |name| {
        Requested::of(name, client.may_ask_users_for(name), settings)
    })?;
    let scope = client.with_always_granted(&scope);

    let resource_server = resource::requested(settings, client, resource)?;

    // Only to find out whether anything is left.
    scope::for_resource_server(&scope, resource_server.as_deref())?;

    Ok((scope, resource_server))
}

fn of_scope(refusal: OAuthError) -> AuthorizationError {
    match refusal {
        OAuthError::InvalidTarget => AuthorizationError::new(
            "invalid_target",
            "resource: is not one this client may have tokens for.",
        ),
        _ => AuthorizationError::new(
            "invalid_scope",
            "scope: names none that this client may ask for, or one that it may not.",
        ),
    }
}

fn check_response(request: &AuthorizeRequest) -> Result<(), AuthorizationError> {
    match request.response_type.as_deref() {
        Some("code") => {}
        Some(_) => {
            return Err(AuthorizationError::new(
                "unsupported_response_type",
                "response_type: must be `code`.",
            ));
        }
        None => return Err(invalid("response_type: is required.")),
    }

    match request.response_mode.as_deref() {
        None | Some("query" | FORM_POST) => Ok(()),
        Some(_) => Err(invalid("response_mode: must be `query` or `form_post`.")),
    }
}

fn check_length(text: Option<&str>, problem: &'static str) -> Result<(), AuthorizationError> {
    if text.is_some_and(|text| text.chars().count() > STATE_CHARACTERS_MAX) {
        Err(invalid(problem))
    } else {
        Ok(())
    }
}

/// PKCE is required of every client (RFC 9700 §2.1.1), but for confidential ones that are configured
/// to do without: their ID token's nonce tells them that the code was theirs.
fn check_challenge(
    client: &Client,
    request: &AuthorizeRequest,
) -> Result<Option<String>, AuthorizationError> {
    let is_omitted = request.code_challenge.is_none() && request.code_challenge_method.is_none();
    if is_omitted && !client.must_use_pkce() {
        return match &request.nonce {
            Some(_) => Ok(None),
            None => Err(invalid("nonce: is required without a `code_challenge`.")),
        };
    }

    // With `plain`, which is the default of RFC 7636 §4.3, whoever sees the request has the
    // verifier.
    if request.code_challenge_method.as_deref() != Some("S256") {
        return Err(invalid("code_challenge_method: must be `S256`."));
    }

    let challenge = request
        .code_challenge
        .clone()
        .filter(|challenge| pkce::is_encoded_hash(challenge));
    challenge.map(Some).ok_or(invalid(
        "code_challenge: must be the base64url SHA-256 of a verifier.",
    ))
}

fn hints(request: &AuthorizeRequest) -> Result<Hints, AuthorizationError> {
    // They are stored with each authorization and end up in the login page's answer.
    for text in [
        &request.login_hint,
        &request.ui_locales,
        &request.acr_values,
    ] {
        if text
            .as_ref()
            .is_some_and(|text| text.len() > HINT_BYTES_MAX)
        {
            return Err(invalid(
                "login_hint, ui_locales, acr_values: must not be longer than 255 bytes.",
            ));
        }
    }

    // Not everything that parses is digits only: a plus sign may lead.
    let max_age = request.max_age.as_deref().map(|text| match text.parse() {
        Ok(seconds) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(seconds),
        _ => Err(invalid("max_age: must be a number of seconds.")),
    });

    Ok(Hints {
        login_hint: request.login_hint.clone(),
        subject: None,
        ui_locales: request.ui_locales.clone(),
        acr_values: request.acr_values.clone(),
        max_age: max_age.transpose()?,
        prompt: prompt(request.prompt.as_deref())?,
        browser: None,
        user_code: None,
        form_post: request.response_mode.as_deref() == Some(FORM_POST),
        redirect_uri_omitted: request.redirect_uri.is_none(),
    })
}

fn prompt(prompt: Option<&str>) -> Result<Option<String>, AuthorizationError> {
    const KNOWN: [&str; 4] = ["none", "login", "consent", "select_account"];

    let Some(prompt) = prompt else {
        return Ok(None);
    };

    let names: Vec<&str> = prompt.split(' ').collect();
    // The number bounds the text, which repetitions of known names could make as long as they like.
    if names.len() > KNOWN.len() || !names.iter().all(|name| KNOWN.contains(name)) {
        return Err(invalid(
            "prompt: must be of `none`, `login`, `consent`, `select_account`.",
        ));
    }

    // OpenID Connect Core §3.1.2.1: the values contradict each other.
    if names.contains(&"none") && names.len() > 1 {
        return Err(invalid("prompt: `none` must stand alone."));
    }

    Ok(Some(prompt.to_owned()))
}
