//! The revocation endpoint (RFC 7009).

use countersign::oauth::{Credentials, OAuthError, RevocationRequest, TokenResponse};
use serde_json::json;

use super::login::{code, redeem};
use super::refresh::{bank, is_alive, log_in, refresh, refresh_request, refresh_token};
use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{Installation, World, user};

on_both_databases!(
    an_access_token_is_revoked_alone,
    a_revoked_refresh_token_ends_its_grant,
    any_token_of_a_family_revokes_it,
    tokens_of_other_clients_are_left_alone,
    the_client_must_authenticate,
    a_device_revokes_its_own_token,
    a_revocation_among_refreshes_leaves_nothing_alive,
);

const REFUSED: Option<OAuthError> = Some(OAuthError::InvalidGrant);

async fn revoke(world: &World, installation: &Installation, token: &str) -> Result<(), OAuthError> {
    let credentials = installation.assertion(world.clock.now(), &json!({}));
    world
        .token_server
        .revocation
        .revoke(&RevocationRequest {
            credentials,
            token: secret(token),
        })
        .await
}

fn access_token(tokens: &TokenResponse) -> &str {
    tokens.access_token.expose()
}

async fn an_access_token_is_revoked_alone(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();

    let node = world.another_node();

    revoke(&world, &installation, access_token(&first))
        .await
        .unwrap();

    assert!(!is_alive(&node, &first).await && is_alive(&node, &second).await);

    revoke(&world, &installation, access_token(&first))
        .await
        .expect("once more is no error");

    refresh(&world, &installation, &refresh_token(&second))
        .await
        .expect("its refresh token stays");

    let events = world.events_of(&user("alice")).await;
    assert_eq!(
        events
            .iter()
            .filter(|event| *event == "TOKEN_REVOKE_ACCESS_TOKEN_SUCCESS")
            .count(),
        1
    );
}

async fn a_revoked_refresh_token_ends_its_grant(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();

    let node = world.another_node();

    revoke(&world, &installation, &refresh_token(&second))
        .await
        .unwrap();

    assert!(!is_alive(&node, &first).await && !is_alive(&node, &second).await);

    assert_eq!(
        refresh(&world, &installation, &refresh_token(&second))
            .await
            .err(),
        REFUSED
    );

    let events = world.events_of(&user("alice")).await;
    assert!(
        events.contains(&"TOKEN_REVOKE_REFRESH_TOKEN_SUCCESS".to_owned()),
        "{events:?}"
    );
}

async fn any_token_of_a_family_revokes_it(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();

    // The answer with the second was lost: the user logs out with the first.
    revoke(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();

    assert!(!is_alive(&world.token_server, &second).await);

    assert_eq!(
        refresh(&world, &installation, &refresh_token(&second))
            .await
            .err(),
        REFUSED
    );
}

async fn tokens_of_other_clients_are_left_alone(database: Database) {
    let (world, installation, tokens) = log_in(database).await;
    let other = world.install().await;

    let altered = |token: &str| {
        format!(
            "{}{}",
            &token[..token.len() - 1],
            if token.ends_with('A') { 'Q' } else { 'A' }
        )
    };

    let long = "x".repeat(8000);
    let (access, refreshing) = (access_token(&tokens).to_owned(), refresh_token(&tokens));
    for token in [access.as_str(), &refreshing] {
        assert_eq!(
            revoke(&world, &other, token).await,
            Ok(()),
            "another client's"
        );

        assert_eq!(
            revoke(&world, &installation, &altered(token)).await,
            Ok(()),
            "almost"
        );
    }

    for unknown in ["x", "a.b.c", &long, &"A".repeat(64), &"A".repeat(70)] {
        assert_eq!(
            revoke(&world, &installation, unknown).await,
            Ok(()),
            "{unknown:.80}"
        );
    }

    assert!(is_alive(&world.token_server, &tokens).await);

    refresh(&world, &installation, &refreshing)
        .await
        .expect("it is alive");
}

async fn the_client_must_authenticate(database: Database) {
    let (world, installation, tokens) = log_in(database).await;
    let request = |credentials| RevocationRequest {
        credentials,
        token: secret(access_token(&tokens)),
    };

    let client_id = installation.id().to_string();
    let stranger = world.install().await;
    let forged = crate::support::world::credentials_by(
        &stranger.key,
        &client_id,
        world.clock.now(),
        &json!({}),
    );

    for wrong in [
        Credentials::Public {
            client_id: client_id.clone(),
        },
        forged,
    ] {
        assert_eq!(
            world.token_server.revocation.revoke(&request(wrong)).await,
            Err(OAuthError::InvalidClient)
        );
    }

    let good = installation.assertion(world.clock.now(), &json!({}));
    let unknown = RevocationRequest {
        credentials: good.clone(),
        token: secret("unknown"),
    };
    assert_eq!(world.token_server.revocation.revoke(&unknown).await, Ok(()));

    assert_eq!(
        world.token_server.revocation.revoke(&request(good)).await,
        Err(OAuthError::InvalidClient),
        "it is used up"
    );

    assert!(is_alive(&world.token_server, &tokens).await);
}

async fn a_device_revokes_its_own_token(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let own = world
        .token_server
        .grants
        .token(&installation.device_token_request(world.clock.now()))
        .await
        .unwrap();

    let other = world
        .token_server
        .grants
        .token(&installation.device_token_request(world.clock.now()))
        .await
        .unwrap();

    revoke(&world, &installation, access_token(&own))
        .await
        .unwrap();

    assert!(
        !is_alive(&world.token_server, &own).await && is_alive(&world.token_server, &other).await
    );
}

async fn a_revocation_among_refreshes_leaves_nothing_alive(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let token = refresh_token(&first);
    for _ in 0..5 {
        let code = code(&world, &installation).await;
        let first = redeem(&world, &installation, &code).await.unwrap();
        let token = refresh_token(&first);
        let nodes = [world.token_server.clone(), world.another_node()];
        let refreshes: Vec<_> = (0..20)
            .map(|number| {
                let (node, request) = (
                    nodes[number % 2].clone(),
                    refresh_request(&world, &installation, &token),
                );
                tokio::spawn(async move { node.grants.token(&request).await })
            })
            .collect();

        revoke(&world, &installation, &token).await.unwrap();
        let results = futures_util::future::join_all(refreshes).await;

        for tokens in results
            .into_iter()
            .filter_map(|result| result.unwrap().ok())
            .chain([first])
        {
            assert!(!is_alive(&world.token_server, &tokens).await);

            assert_eq!(
                refresh(&world, &installation, &refresh_token(&tokens))
                    .await
                    .err(),
                REFUSED
            );
        }
    }

    world.configure(|settings| bank(settings, |bank| bank.pin.enabled = false));

    refresh(&world, &installation, &token)
        .await
        .expect("the other login was left alone");
}
