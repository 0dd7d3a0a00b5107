//! Helpers for OpenID Connect and for tokens that are meant for other APIs.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::jose::{SigningAlgorithm, VerifyingKey, own};
use countersign::oauth::{Introspection, TokenServer};
use countersign::secret::{Keyring, TokenKind};
use countersign::settings::{
    ApiClient, ClientCredential, GrantType, Permission, ResourceServer, Settings, TokenFormat,
    WebClient,
};
use countersign::store::schema::authorizations;
use countersign::store::{Connection, StoreError, WriteError};
use diesel::prelude::*;
use serde_json::Value;

use super::login::code;
use crate::support::world::{Installation, World};

/// What a code is for, besides what the login said.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) scope: &'static str,
    /// Instead of the device.
    pub(super) client_id: Option<&'static str>,
    pub(super) resource_server: Option<&'static str>,
    pub(super) nonce: Option<&'static str>,
    pub(super) jkt: Option<String>,
}

/// A code of this kind for Alice, who has logged in with a password.
pub(super) async fn code_for(world: &World, installation: &Installation, wanted: Wanted) -> String {
    let code = code(world, installation).await;
    let hash = Keyring::new(&[7; 32])
        .token_hash(TokenKind::AuthorizationCode, &code)
        .to_vec();

    let client_id = wanted
        .client_id
        .unwrap_or(installation.id().as_str())
        .to_owned();
    let change = move |connection: &mut Connection| {
        let changed: QueryResult<usize> =
            diesel::update(authorizations::table.filter(authorizations::code_hash.eq(hash)))
                .set((
                    authorizations::scope.eq(wanted.scope),
                    authorizations::client_id.eq(client_id),
                    authorizations::resource_server.eq(wanted.resource_server),
                    authorizations::nonce.eq(wanted.nonce),
                    authorizations::jkt.eq(wanted.jkt),
                    authorizations::acr.eq(Some("high")),
                ))
                .execute(connection);

        Ok::<usize, WriteError<StoreError>>(changed?)
    };

    assert_eq!(world.store.write(change).await.unwrap(), 1);

    code
}

/// An API with tokens of its own kind, a client for it, and gateways for it, for another API and
/// for none.
pub(super) fn with_apis(settings: &mut Settings) {
    for (id, format) in [("orders", TokenFormat::Jwt), ("stock", TokenFormat::Opaque)] {
        let server = ResourceServer {
            claims: [].into(),
            id: id.to_owned(),
            name: id.to_owned(),
            audience: format!("https://{id}.example"),
            permitted_clients: ["web".to_owned(), "public".to_owned(), "bank".to_owned()].into(),
            scopes: [].into(),
            access_token_format: Some(format),
            access_token_lifetime_seconds: Some(300),
            signing_algorithm: None,
        };

        settings
            .resource_servers
            .insert(id.to_owned(), Arc::new(server));
    }

    let secret = ClientCredential::SecretHash(countersign::secret::sha256(b"web secret"));
    for (id, credential) in [("web", Some(secret)), ("public", None)] {
        let mut client = WebClient::new(id.parse().unwrap(), credential);
        client.grant_types = GrantType::ALL.into();
        client.scopes = ["openid", "orders"].map(str::to_owned).into();
        client.redirect_uris = vec!["bank://login".to_owned()];

        settings
            .web_clients
            .insert(client.client_id.clone(), Arc::new(client));
    }
}

/// An API client that may introspect tokens for these resource servers.
pub(super) fn gateway(resource_servers: &[&str]) -> ApiClient {
    let credential = ClientCredential::SecretHash([0; 32]);
    let client = ApiClient::new(
        "gateway".parse().unwrap(),
        credential,
        [Permission::TokenIntrospection],
    );

    ApiClient {
        resource_servers: resource_servers.iter().map(|&id| id.to_owned()).collect(),
        ..client
    }
}

/// What a token means to a gateway of these resource servers.
pub(super) async fn introspect(
    world: &World,
    resource_servers: &[&str],
    token: &str,
) -> Option<Introspection> {
    world
        .token_server
        .introspection
        .introspect(&gateway(resource_servers), token)
        .await
        .unwrap()
}

/// The claims of a JWT, verified with what the server publishes.
pub(super) async fn claims(server: &TokenServer, typ: &str, jwt: &str) -> Value {
    let keys = server.keys.published().await.unwrap();
    let find = |kid: &str| {
        keys.iter()
            .find(|jwk| jwk["kid"] == *kid)
            .map(|jwk| VerifyingKey::from_jwk(jwk).expect("a published key"))
    };

    serde_json::from_slice(&own::verify(jwt, typ, find).expect("it verifies")).unwrap()
}

/// A member of a JWT's header.
pub(super) fn header(jwt: &str, member: &str) -> String {
    let header = URL_SAFE_NO_PAD
        .decode(jwt.split('.').next().unwrap())
        .unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()[member]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Has devices of the bank get JWT access tokens, signed with this algorithm.
pub(super) fn with_jwts(world: &World, algorithm: SigningAlgorithm) {
    world.configure(|settings| {
        super::refresh::bank(settings, |bank| {
            bank.tokens.access_token_format = TokenFormat::Jwt;
            bank.tokens.signing_algorithm = Some(algorithm);
        });
    });
}
