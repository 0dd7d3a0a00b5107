//! API clients prove who they are.

use countersign::oauth::{ClientError, Credentials};
use serde_json::{Value, json};

use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{ISSUER, World, credentials_by, new_key, secret_of};

on_both_databases!(
    a_secret_authenticates_its_own_client_only,
    an_assertion_authenticates_its_client_once,
    of_parallel_replays_one_succeeds
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
