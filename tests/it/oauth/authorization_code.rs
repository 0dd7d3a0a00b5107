//! A code becomes a user's token, once and for the right client only.

use std::time::Duration;

use countersign::oauth::{BearerError, OAuthError, PresentedToken, TokenRequest};
use countersign::store::queries::sweep;
use countersign::store::schema::grants;
use countersign::store::{Connection, StoreError, WriteError};
use diesel::prelude::*;
use serde_json::json;

use super::login::{REDIRECT_URI, VERIFIER, code, redeem, redeem_request};
use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{World, new_key, user};

on_both_databases!(
    a_code_becomes_a_users_token,
    a_second_use_revokes_what_the_first_produced,
    a_second_use_is_noticed_as_long_as_the_tokens_live,
    a_spent_code_is_of_no_use_to_another_client,
    a_code_presented_wrongly_is_burnt,
    a_code_lives_for_a_minute,
    parallel_uses_of_a_code_leave_no_token,
    an_assertion_is_good_for_one_code,
    code_redirect_uri_and_verifier_are_required,
);

const REFUSED: Option<OAuthError> = Some(OAuthError::InvalidGrant);

async fn a_code_becomes_a_users_token(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let installation = world.install().await;
    let first = code(&world, &installation).await;
    let response = redeem(&world, &installation, &first).await.unwrap();
    assert_eq!(
        (
            response.scope.as_str(),
            response.expires_in,
            response.profile_id
        ),
        ("device user", 900, None)
    );

    let bearer = world
        .token_server
        .bearers
        .authenticate(&PresentedToken::bearer(response.access_token.expose()))
        .await
        .unwrap();

    assert_eq!(
        (&bearer.device_id, bearer.user_id.as_ref()),
        (installation.id(), Some(&alice))
    );

    assert_eq!(bearer.scope, "device user");

    let enrolled = world
        .devices
        .enrol(installation.id(), &alice, *new_key().public())
        .await
        .unwrap();

    let second = code(&world, &installation).await;
    let response = redeem(&world, &installation, &second).await.unwrap();
    assert_eq!(response.profile_id, Some(enrolled.profile_id));
    let events = world.events_of(&alice).await;
    assert_eq!(
        events
            .iter()
            .filter(|event| *event == "TOKEN_REQUEST_ACCESS_TOKEN_CREATED")
            .count(),
        2
    );
}

async fn a_second_use_revokes_what_the_first_produced(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let code = code(&world, &installation).await;
    let token = redeem(&world, &installation, &code)
        .await
        .unwrap()
        .access_token;
    world
        .token_server
        .bearers
        .authenticate(&PresentedToken::bearer(token.expose()))
        .await
        .unwrap();

    assert_eq!(redeem(&world, &installation, &code).await.err(), REFUSED);

    assert_eq!(
        world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(token.expose()))
            .await,
        Err(BearerError::InvalidToken)
    );

    assert_eq!(redeem(&world, &installation, &code).await.err(), REFUSED);
}

async fn a_second_use_is_noticed_as_long_as_the_tokens_live(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let spent = code(&world, &installation).await;
    redeem(&world, &installation, &spent).await.unwrap();
    let unspent = code(&world, &installation).await;

    // What is old is deleted.
    world.clock.advance(Duration::from_secs(86_400));
    let now = world.clock.now();
    let delete = move |connection: &mut Connection| {
        let deleted = sweep::delete_expired_authorizations(connection, now, 500)?;
        Ok::<_, WriteError<StoreError>>(deleted)
    };
    assert_eq!(
        world.store.write(delete).await.unwrap(),
        1,
        "the unspent one"
    );
    assert_eq!(redeem(&world, &installation, &unspent).await.err(), REFUSED);

    let grants = async || {
        let count =
            |connection: &mut Connection| grants::table.count().get_result::<i64>(connection);
        world.store.read(count).await.unwrap()
    };
    assert_eq!(grants().await, 1);
    assert_eq!(redeem(&world, &installation, &spent).await.err(), REFUSED);
    assert_eq!(grants().await, 0);
}

async fn a_spent_code_is_of_no_use_to_another_client(database: Database) {
    let world = World::new(database);
    let (installation, other) = (world.install().await, world.install().await);
    let code = code(&world, &installation).await;
    let token = redeem(&world, &installation, &code).await.unwrap();

    assert_eq!(redeem(&world, &other, &code).await.err(), REFUSED);

    let token = PresentedToken::bearer(token.access_token.expose());
    let bearers = &world.token_server.bearers;
    assert!(bearers.authenticate(&token).await.is_ok());
}

async fn a_code_presented_wrongly_is_burnt(database: Database) {
    let world = World::new(database);
    let (installation, other) = (world.install().await, world.install().await);
    let (long, with_plus) = ("a".repeat(129), format!("{VERIFIER}+"));
    let another = "another-verifier-of-more-than-43-characters~._0";
    let verifiers = [
        "",
        "short",
        VERIFIER.split_at(42).0,
        &long,
        another,
        &with_plus,
    ];

    let redirects = ["", "bank://login/", "https://bank.example/cb?x=1"];

    let wrong_verifiers = verifiers
        .map(|verifier| (verifier, REDIRECT_URI))
        .into_iter();
    for (verifier, redirect_uri) in
        wrong_verifiers.chain(redirects.map(|redirect_uri| (VERIFIER, redirect_uri)))
    {
        let code = code(&world, &installation).await;
        let wrong = TokenRequest {
            redirect_uri: Some(redirect_uri.to_owned()),
            code_verifier: Some(secret(verifier)),
            ..redeem_request(&world, &installation, &code)
        };

        assert_eq!(
            world.token_server.grants.token(&wrong).await.err(),
            REFUSED,
            "{verifier} {redirect_uri}"
        );

        assert_eq!(
            redeem(&world, &installation, &code).await.err(),
            REFUSED,
            "it is burnt"
        );
    }

    let stolen = code(&world, &installation).await;
    assert_eq!(redeem(&world, &other, &stolen).await.err(), REFUSED);

    assert_eq!(
        redeem(&world, &installation, &stolen).await.err(),
        REFUSED,
        "it is burnt"
    );

    for unknown in ["", "x", &"A".repeat(43), &"x".repeat(10_000)] {
        assert_eq!(redeem(&world, &installation, unknown).await.err(), REFUSED);
    }
}

async fn a_code_lives_for_a_minute(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let (in_time, late) = (
        code(&world, &installation).await,
        code(&world, &installation).await,
    );

    world.clock.advance(Duration::from_millis(59_999));
    redeem(&world, &installation, &in_time).await.unwrap();
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(redeem(&world, &installation, &late).await.err(), REFUSED);
}

async fn parallel_uses_of_a_code_leave_no_token(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let code = code(&world, &installation).await;
    let attempts = (0..10).map(|_| {
        let (token_server, request) = (
            world.token_server.clone(),
            redeem_request(&world, &installation, &code),
        );
        tokio::spawn(async move { token_server.grants.token(&request).await })
    });

    let results = futures_util::future::join_all(attempts).await;
    let issued: Vec<_> = results
        .into_iter()
        .filter_map(|result| result.unwrap().ok())
        .collect();
    assert_eq!(issued.len(), 1, "one is first");

    let bearer = world
        .token_server
        .bearers
        .authenticate(&PresentedToken::bearer(issued[0].access_token.expose()))
        .await;

    assert_eq!(
        bearer,
        Err(BearerError::InvalidToken),
        "the others took it back"
    );
}

async fn an_assertion_is_good_for_one_code(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let credentials = installation.assertion(world.clock.now(), &json!({}));

    let (first, second) = (
        code(&world, &installation).await,
        code(&world, &installation).await,
    );

    let with_assertion = |code: &str| TokenRequest {
        credentials: credentials.clone(),
        ..redeem_request(&world, &installation, code)
    };
    let failed = TokenRequest {
        code_verifier: Some(secret("wrong")),
        ..with_assertion(&first)
    };
    assert_eq!(
        world.token_server.grants.token(&failed).await.err(),
        REFUSED
    );

    let replayed = world
        .token_server
        .grants
        .token(&with_assertion(&second))
        .await;

    assert_eq!(
        replayed.err(),
        Some(OAuthError::InvalidClient),
        "a failed use is a use"
    );

    redeem(&world, &installation, &second)
        .await
        .expect("the code was not touched");
}

async fn code_redirect_uri_and_verifier_are_required(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let code = code(&world, &installation).await;
    let good = || redeem_request(&world, &installation, &code);
    for request in [
        TokenRequest {
            code: None,
            ..good()
        },
        TokenRequest {
            redirect_uri: None,
            ..good()
        },
        TokenRequest {
            code_verifier: None,
            ..good()
        },
    ] {
        let result = world.token_server.grants.token(&request).await;
        assert!(
            matches!(result, Err(OAuthError::InvalidRequest(_))),
            "{request:?}"
        );
    }

    redeem(&world, &installation, &code)
        .await
        .expect("the code was not touched");
}
