//! What the server can do, for clients that configure themselves (RFC 8414, OpenID Connect
//! Discovery §3).

use serde::Serialize;

use super::issuer::Issuer;
use super::listing::TOKEN_INFO_GRANT;
use super::model::Claims;
use crate::jose::{CLIENT_ALGORITHMS, SigningAlgorithm};
use crate::settings::{GrantType, RESERVED_SCOPES, Settings};

/// How clients authenticate that have a credential.
const CONFIDENTIAL: [&str; 3] = [
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
];

/// How clients authenticate, those without a credential included.
const ANY: [&str; 4] = [
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "none",
];

/// The metadata document.
#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub jwks_uri: String,
    pub registration_endpoint: String,
    pub revocation_endpoint: String,
    pub introspection_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
    pub device_authorization_endpoint: String,
    pub end_session_endpoint: String,
    /// OpenID Connect Back-Channel Logout §2.1.
    pub backchannel_logout_supported: bool,
    pub backchannel_logout_session_supported: bool,
    pub scopes_supported: Vec<String>,
    pub response_types_supported: [&'static str; 1],
    pub response_modes_supported: [&'static str; 2],
    pub grant_types_supported: Vec<&'static str>,
    pub subject_types_supported: [&'static str; 1],
    pub id_token_signing_alg_values_supported: [SigningAlgorithm; 2],
    pub claims_supported: Vec<String>,
    pub token_endpoint_auth_methods_supported: [&'static str; 4],
    pub token_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    pub revocation_endpoint_auth_methods_supported: [&'static str; 4],
    pub revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    pub introspection_endpoint_auth_methods_supported: [&'static str; 3],
    pub introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    pub code_challenge_methods_supported: [&'static str; 1],
    pub dpop_signing_alg_values_supported: [SigningAlgorithm; 1],
    pub authorization_response_iss_parameter_supported: bool,
    pub require_pushed_authorization_requests: bool,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    pub claims_parameter_supported: bool,
}

impl Metadata {
    /// The document under these settings.
    pub(super) fn new(issuer: &Issuer, settings: &Settings) -> Self {
        let grant_types = GrantType::ALL.iter().map(|grant| grant.as_str());

        Self {
            issuer: issuer.as_str().to_owned(),
            authorization_endpoint: issuer.at("/oauth/authorize"),
            token_endpoint: issuer.at("/oauth/token"),
            userinfo_endpoint: issuer.at("/oauth/userinfo"),
            jwks_uri: issuer.at("/oauth/keys"),
            registration_endpoint: issuer.at("/oauth/register"),
            revocation_endpoint: issuer.at("/oauth/revoke"),
            introspection_endpoint: issuer.at("/oauth/introspect"),
            pushed_authorization_request_endpoint: issuer.at("/oauth/par"),
            device_authorization_endpoint: issuer.at("/oauth/device_authorization"),
            end_session_endpoint: issuer.at("/oauth/logout"),
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            scopes_supported: scopes(settings),
            response_types_supported: ["code"],
            response_modes_supported: ["query", "form_post"],
            grant_types_supported: grant_types.chain([TOKEN_INFO_GRANT]).collect(),
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: SigningAlgorithm::ALL,
            claims_supported: claims(settings),
            token_endpoint_auth_methods_supported: ANY,
            token_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
            revocation_endpoint_auth_methods_supported: ANY,
            revocation_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
            introspection_endpoint_auth_methods_supported: CONFIDENTIAL,
            introspection_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
            code_challenge_methods_supported: ["S256"],
            dpop_signing_alg_values_supported: [SigningAlgorithm::Es256],
            authorization_response_iss_parameter_supported: true,
            // Clients may be configured to have to; the others need not.
            require_pushed_authorization_requests: false,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            claims_parameter_supported: false,
        }
    }
}

/// What the server says of its tokens, then what login pages say of users.
fn claims(settings: &Settings) -> Vec<String> {
    const OWN: [&str; 10] = [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "at_hash",
    ];

    let own = OWN.iter().map(|&name| name.to_owned());
    own.chain(Claims::given_out(settings)).collect()
}

/// The reserved scopes, then those that are configured, in alphabetical order.
fn scopes(settings: &Settings) -> Vec<String> {
    let reserved = RESERVED_SCOPES.iter().map(|&name| name.to_owned());

    let mut configured: Vec<String> = settings
        .scopes
        .keys()
        .filter(|name| !RESERVED_SCOPES.contains(&name.as_str()))
        .cloned()
        .collect();

    configured.sort_unstable();

    reserved.chain(configured).collect()
}
