//! API clients prove who they are.

use std::sync::Arc;

use countersign::ids::ClientId;
use countersign::jose::PrivateJwk;
use countersign::oauth::{ClientError, Credentials};
use countersign::secret::sha256;
use countersign::settings::ClientCredential;
use serde_json::{Value, json};

use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{ISSUER, World, credentials_by, new_key, secret_of};

on_both_databases!(
    a_secret_authenticates_its_own_client_only,
    an_assertion_authenticates_its_client_once,
    of_parallel_replays_one_succeeds,
    one_credential_replaces_another_without_a_gap,
);

async fn a_secret_authenticates_its_own_client_only(database: Database) {
    let world = World::new(database);
    let authenticate = async |credentials: Credentials| {
        let client = world
            .token_server
            .clients
            .authenticate_api_client(&credentials)
            .await?;

        Ok::<_, ClientError>(client.client_id.to_string())
    };

    assert_eq!(
        authenticate(secret_of("portal", "portal secret")).await,
        Ok("portal".to_owned())
    );

    for (id, text) in [
        ("portal", "Portal secret"),
        ("portal", ""),
        ("keyed", "portal secret"),
        ("nobody", "x"),
        ("", ""),
    ] {
        assert_eq!(
            authenticate(secret_of(id, text)).await,
            Err(ClientError::Invalid),
            "{id}"
        );
    }
}

async fn an_assertion_authenticates_its_client_once(database: Database) {
    let world = World::new(database);
    let now = world.clock.now();
    let assertion = |changes: Value| credentials_by(&world.client_key, "keyed", now, &changes);
    for path in [
        "",
        "/oauth/token",
        "/oauth/par",
        "/oauth/revoke",
        "/oauth/api/v2/token/introspect",
    ] {
        let audience = format!("{ISSUER}{path}");
        let credentials = assertion(json!({ "aud": audience }));
        let client = world
            .token_server
            .clients
            .authenticate_api_client(&credentials)
            .await
            .unwrap();

        assert_eq!(client.client_id.as_str(), "keyed");

        let again = world
            .token_server
            .clients
            .authenticate_api_client(&credentials)
            .await;

        assert_eq!(again, Err(ClientError::Invalid), "a replay");
    }

    for refused in [
        assertion(json!({ "aud": "https://other.example" })),
        assertion(json!({ "aud": format!("{ISSUER}/oauth/authorize") })),
        assertion(json!({ "iss": "portal" })),
        credentials_by(&world.client_key, "portal", now, &json!({})),
        credentials_by(&world.client_key, "nobody", now, &json!({})),
        credentials_by(&new_key(), "keyed", now, &json!({})),
    ] {
        assert_eq!(
            world
                .token_server
                .clients
                .authenticate_api_client(&refused)
                .await,
            Err(ClientError::Invalid)
        );
    }
}

async fn of_parallel_replays_one_succeeds(database: Database) {
    let world = World::new(database);
    let credentials = credentials_by(&world.client_key, "keyed", world.clock.now(), &json!({}));
    let attempts = (0..20).map(|_| {
        let (token_server, credentials) = (world.token_server.clone(), credentials.clone());
        tokio::spawn(async move {
            token_server
                .clients
                .authenticate_api_client(&credentials)
                .await
                .is_ok()
        })
    });

    let results = futures_util::future::join_all(attempts).await;
    assert_eq!(
        results
            .into_iter()
            .filter(|result| *result.as_ref().unwrap())
            .count(),
        1
    );
}

async fn one_credential_replaces_another_without_a_gap(database: Database) {
    let world = World::new(database);
    let (first, second) = (new_key(), new_key());
    let portal: ClientId = "portal".parse().unwrap();
    let configure = |credentials: Vec<ClientCredential>| {
        world.configure(|settings| {
            let client = settings.api_clients.get_mut(&portal).unwrap();
            Arc::make_mut(client).credentials = credentials;
        });
    };

    let hash = |secret: &str| ClientCredential::SecretHash(sha256(secret.as_bytes()));
    let public = |key: &PrivateJwk| ClientCredential::PublicKey(key.public().to_json());
    let by_secret = |secret: &str| secret_of("portal", secret);
    let by_key = |key: &PrivateJwk| credentials_by(key, "portal", world.clock.now(), &json!({}));
    let is_known = async |credentials: Credentials| {
        let clients = &world.token_server.clients;
        clients.authenticate_api_client(&credentials).await.is_ok()
    };

    for (known, [old, new, first_key, second_key]) in [
        (vec![hash("old")], [true, false, false, false]),
        (vec![hash("old"), hash("new")], [true, true, false, false]),
        (
            vec![hash("new"), public(&first)],
            [false, true, true, false],
        ),
        (
            vec![public(&first), public(&second)],
            [false, false, true, true],
        ),
        (vec![public(&second)], [false, false, false, true]),
    ] {
        configure(known.clone());
        assert_eq!(is_known(by_secret("old")).await, old, "{known:?}");
        assert_eq!(is_known(by_secret("new")).await, new, "{known:?}");
        assert_eq!(is_known(by_key(&first)).await, first_key, "{known:?}");
        assert_eq!(is_known(by_key(&second)).await, second_key, "{known:?}");
        assert!(!is_known(by_key(&new_key())).await && !is_known(by_secret("")).await);
    }
}
