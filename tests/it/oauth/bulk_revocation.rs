//! Revoking everything at once: of a user, of a client, for a resource server; and what becomes of
//! users.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::ids::UserId;
use countersign::oauth::{OAuthError, RevocationError, TokenRequest, TokenResponse};
use countersign::users::UserError;
use serde_json::json;

use super::login::{accept, begin, code, redeem, redeem_request};
use super::openid::with_apis;
use super::refresh::{is_alive, log_in, refresh, refresh_request, refresh_token};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{Installation, World, client_credentials, new_key, secret_of, user};

on_both_databases!(
    everything_a_user_is_logged_in_with_ends,
    a_code_being_exchanged_does_not_outlive_the_revocation,
    refreshes_during_a_bulk_revocation_leave_nothing_alive,
    an_application_loses_all_tokens_at_once,
    a_device_loses_its_own_tokens_and_its_users,
    tokens_for_a_resource_server_end,
    an_unknown_id_is_not_found,
    a_renamed_user_keeps_what_is_enrolled,
    a_renamed_user_stays_disabled,
    an_id_in_use_is_not_taken_over,
);

const REFUSED: Option<OAuthError> = Some(OAuthError::InvalidGrant);

async fn log_in_once_more(world: &World, installation: &Installation) -> TokenResponse {
    let code = code(world, installation).await;
    redeem(world, installation, &code).await.unwrap()
}

async fn assert_dead(world: &World, installation: &Installation, tokens: &TokenResponse) {
    assert!(!is_alive(&world.another_node(), tokens).await);

    assert_eq!(
        refresh(world, installation, &refresh_token(tokens))
            .await
            .err(),
        REFUSED
    );
}

async fn everything_a_user_is_logged_in_with_ends(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let (alice, other) = (user("alice"), world.install().await);
    let elsewhere = log_in_once_more(&world, &other).await;
    let on_its_way = code(&world, &other).await;

    let own = world
        .token_server
        .grants
        .token(&other.device_token_request(world.clock.now()))
        .await
        .unwrap();

    world
        .token_server
        .revocation
        .revoke_user(&alice)
        .await
        .unwrap();

    assert_dead(&world, &installation, &first).await;
    assert_dead(&world, &other, &elsewhere).await;
    assert_eq!(redeem(&world, &other, &on_its_way).await.err(), REFUSED);

    assert!(
        is_alive(&world.token_server, &own).await,
        "a device's own token is nobody's"
    );

    let again = log_in_once_more(&world, &installation).await;
    world.users.password_changed(&alice).await.unwrap();
    assert_dead(&world, &installation, &again).await;

    let again = log_in_once_more(&world, &installation).await;
    world.users.disable(&alice).await.unwrap();
    assert_dead(&world, &installation, &again).await;

    world
        .users
        .disable(&alice)
        .await
        .expect("once more changes nothing");

    world.users.enable(&alice).await.unwrap();
    assert_dead(&world, &installation, &again).await;
    let again = log_in_once_more(&world, &installation).await;
    refresh(&world, &installation, &refresh_token(&again))
        .await
        .expect("enabled");

    let events = world.events_of(&alice).await;

    for event in [
        "TOKEN_REVOKE_USER_TOKENS_SUCCESS",
        "USER_PASSWORD_CHANGED",
        "USER_DISABLED",
        "USER_ENABLED",
    ] {
        assert!(
            events.iter().any(|found| found == event),
            "{event}: {events:?}"
        );
    }
}

async fn a_code_being_exchanged_does_not_outlive_the_revocation(database: Database) {
    let (world, installation, _) = log_in(database).await;
    for _ in 0..10 {
        let code = code(&world, &installation).await;
        let (server, request) = (
            world.another_node(),
            redeem_request(&world, &installation, &code),
        );
        let exchange = tokio::spawn(async move { server.grants.token(&request).await });

        world
            .token_server
            .revocation
            .revoke_user(&user("alice"))
            .await
            .unwrap();

        if let Ok(tokens) = exchange.await.unwrap() {
            assert_dead(&world, &installation, &tokens).await;
        }
    }
}

async fn refreshes_during_a_bulk_revocation_leave_nothing_alive(database: Database) {
    let (world, installation, _) = log_in(database).await;
    for reach in ["user", "bank", installation.id().as_str()] {
        // Several logins mean several rows, which refreshes and the revocation lock in any order.
        let mut logins = Vec::new();
        for _ in 0..5 {
            logins.push(log_in_once_more(&world, &installation).await);
        }

        let nodes = [world.token_server.clone(), world.another_node()];
        let refreshes: Vec<_> = (0..20)
            .map(|number| {
                let token = refresh_token(&logins[number % logins.len()]);
                let (node, request) = (
                    nodes[number % 2].clone(),
                    refresh_request(&world, &installation, &token),
                );
                tokio::spawn(async move { node.grants.token(&request).await })
            })
            .collect();

        match reach {
            "user" => world
                .token_server
                .revocation
                .revoke_user(&user("alice"))
                .await
                .unwrap(),
            client => world
                .token_server
                .revocation
                .revoke_client(client)
                .await
                .unwrap(),
        }

        let results = futures_util::future::join_all(refreshes).await;
        for result in results {
            match result.unwrap() {
                Ok(tokens) => logins.push(tokens),
                Err(error) => assert_eq!(Some(error), REFUSED),
            }
        }

        for tokens in &logins {
            assert_dead(&world, &installation, tokens).await;
        }
    }
}

async fn an_application_loses_all_tokens_at_once(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();

    let own = world
        .token_server
        .grants
        .token(&installation.device_token_request(world.clock.now()))
        .await
        .unwrap();

    let on_its_way = code(&world, &installation).await;
    let waiting = begin(&world, &installation).await;
    let shop = world.install_with(&json!({ "software_id": "shop" })).await;
    let elsewhere = world
        .token_server
        .grants
        .token(&shop.device_token_request(world.clock.now()))
        .await
        .unwrap();

    world
        .token_server
        .revocation
        .revoke_client("bank")
        .await
        .unwrap();

    for tokens in [&first, &second, &own] {
        assert!(!is_alive(&world.another_node(), tokens).await);
    }

    assert_eq!(
        refresh(&world, &installation, &refresh_token(&second))
            .await
            .err(),
        REFUSED
    );

    assert_eq!(
        redeem(&world, &installation, &on_its_way).await.err(),
        REFUSED
    );

    assert!(accept(&world, &waiting).await.is_err());

    assert!(
        is_alive(&world.token_server, &elsewhere).await,
        "another application's"
    );

    let again = log_in_once_more(&world, &installation).await;
    assert!(
        is_alive(&world.token_server, &again).await,
        "what is issued from now on is good"
    );

    world
        .token_server
        .revocation
        .revoke_client("bank")
        .await
        .unwrap();

    assert_dead(&world, &installation, &again).await;
}

async fn a_device_loses_its_own_tokens_and_its_users(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let other = world.install().await;
    let elsewhere = log_in_once_more(&world, &other).await;

    let own = world
        .token_server
        .grants
        .token(&installation.device_token_request(world.clock.now()))
        .await
        .unwrap();

    let on_its_way = code(&world, &installation).await;

    world
        .token_server
        .revocation
        .revoke_client(installation.id().as_str())
        .await
        .unwrap();

    assert_dead(&world, &installation, &first).await;
    assert!(!is_alive(&world.token_server, &own).await);

    assert_eq!(
        redeem(&world, &installation, &on_its_way).await.err(),
        REFUSED
    );

    assert!(is_alive(&world.token_server, &elsewhere).await);

    let own = world
        .token_server
        .grants
        .token(&installation.device_token_request(world.clock.now()))
        .await;

    own.expect("the device itself stays");
}

async fn tokens_for_a_resource_server_end(database: Database) {
    let world = World::new(database);
    world.configure(with_apis);

    let tokens_for = async |id: &str| {
        let request = TokenRequest {
            resource: Some(format!("https://{id}.example")),
            ..client_credentials(secret_of("web", "web secret"))
        };
        let token = world.token_server.grants.token(&request).await.unwrap();
        row_id_of(token.access_token.expose())
    };

    let (orders, other) = (tokens_for("orders").await, tokens_for("stock").await);
    assert!(
        is_row_alive(&world, orders.clone()).await && is_row_alive(&world, other.clone()).await
    );

    world
        .token_server
        .revocation
        .revoke_resource_server("orders")
        .await
        .unwrap();

    assert!(!is_row_alive(&world, orders).await && is_row_alive(&world, other).await);
    let again = tokens_for("orders").await;
    assert!(is_row_alive(&world, again).await);
}

/// The id in an opaque token, and in a JWT.
fn row_id_of(token: &str) -> Vec<u8> {
    match token.split('.').nth(1) {
        None => URL_SAFE_NO_PAD.decode(token).unwrap()[..16].to_vec(),
        Some(payload) => {
            let claims = URL_SAFE_NO_PAD.decode(payload).unwrap();
            let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
            let jti: uuid::Uuid = claims["jti"].as_str().unwrap().parse().unwrap();
            jti.as_bytes().to_vec()
        }
    }
}

async fn is_row_alive(world: &World, id: Vec<u8>) -> bool {
    let find = move |connection: &mut _| {
        countersign::store::queries::tokens::find_live_access_tokens(connection, &[id])
    };
    !world.store.read(find).await.unwrap().is_empty()
}

async fn an_unknown_id_is_not_found(database: Database) {
    let world = World::new(database);
    for id in ["", "nobody", "portal", &"x".repeat(300)] {
        assert_eq!(
            world.token_server.revocation.revoke_client(id).await,
            Err(RevocationError::NotFound)
        );

        assert_eq!(
            world
                .token_server
                .revocation
                .revoke_resource_server(id)
                .await,
            Err(RevocationError::NotFound)
        );
    }
}

async fn a_renamed_user_keeps_what_is_enrolled(database: Database) {
    let (world, installation, tokens) = log_in(database).await;
    let (alice, alicia): (UserId, UserId) = (user("alice"), user("alicia"));
    let enrolled = world
        .devices
        .enrol(installation.id(), &alice, *new_key().public())
        .await
        .unwrap();

    let face = "custom:face".parse().unwrap();
    world
        .devices
        .set_authenticator(installation.id(), &alice, &face, *new_key().public())
        .await
        .unwrap();

    let bob = user("bob");
    world
        .devices
        .enrol(installation.id(), &bob, *new_key().public())
        .await
        .unwrap();

    world.users.rename(&alice, &alicia).await.unwrap();
    assert_dead(&world, &installation, &tokens).await;

    assert_eq!(
        world
            .devices
            .enrolment(installation.id(), &alice)
            .await
            .unwrap(),
        None
    );

    let moved = world
        .devices
        .enrolment_of(installation.id(), &alicia)
        .await
        .unwrap()
        .unwrap();

    assert_eq!(moved.profile_id, enrolled.profile_id);

    let key = world
        .devices
        .answering_key(installation.id(), &alicia, "custom:face")
        .await
        .unwrap();

    assert!(key.is_some(), "the authenticator moved along");

    assert!(
        world
            .devices
            .enrolment_of(installation.id(), &bob)
            .await
            .unwrap()
            .is_some()
    );

    for user in [alice, alicia] {
        assert!(
            world
                .events_of(&user)
                .await
                .contains(&"USER_RENAMED".to_owned())
        );
    }
}

async fn a_renamed_user_stays_disabled(database: Database) {
    let world = World::new(database);
    let (alice, alicia) = (user("alice"), user("alicia"));
    world.users.disable(&alice).await.unwrap();
    world.users.rename(&alice, &alicia).await.unwrap();
    assert_eq!(world.users.is_disabled(&alicia).await, Ok(true));
    assert_eq!(world.users.is_disabled(&alice).await, Ok(false));
}

async fn an_id_in_use_is_not_taken_over(database: Database) {
    let (world, installation, tokens) = log_in(database).await;
    let (alice, bob) = (user("alice"), user("bob"));
    world
        .devices
        .enrol(installation.id(), &bob, *new_key().public())
        .await
        .unwrap();

    assert_eq!(
        world.users.rename(&alice, &bob).await,
        Err(UserError::Taken)
    );

    assert_eq!(
        world.users.rename(&bob, &alice).await,
        Err(UserError::Taken),
        "she is logged in"
    );

    assert_eq!(
        world.users.rename(&alice, &alice).await,
        Err(UserError::Taken)
    );

    assert!(
        is_alive(&world.token_server, &tokens).await,
        "nothing has happened"
    );
}
