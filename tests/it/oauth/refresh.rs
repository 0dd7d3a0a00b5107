//! Refresh tokens that no authenticator protects: rotation, lost answers, theft.

use std::sync::Arc;
use std::time::Duration;

use countersign::clock::Clock;
use countersign::oauth::{
    BearerError, OAuthError, PresentedToken, TokenRequest, TokenResponse, TokenServer,
};
use countersign::settings::{Settings, TokenSettings};
use serde_json::json;

use super::login::{code, redeem};
use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{Installation, World};

on_both_databases!(
    a_refresh_token_gives_new_tokens,
    a_lost_answer_is_given_again,
    a_restarted_server_gives_a_lost_answer_again,
    a_reused_token_ends_its_grant,
    without_grace_a_token_is_good_once,
    of_parallel_refreshes_all_get_the_same_successor,
    a_refresh_that_races_a_revocation_leaves_nothing_alive,
    a_rotated_token_stays_dead_after_a_restart,
    another_client_cannot_use_it,
    a_refresh_token_expires,
    refresh_tokens_end_with_the_login,
    a_clock_that_is_set_back_extends_nothing,
    a_refreshed_token_has_no_more_scopes,
    an_assertion_is_good_for_one_refresh,
    other_texts_are_refused,
);

const REFUSED: Option<OAuthError> = Some(OAuthError::InvalidGrant);
const GRACE: Duration = Duration::from_secs(10);

/// A user who has logged in, where the bank has no PINs.
pub(super) async fn log_in(database: Database) -> (World, Installation, TokenResponse) {
    let world = World::new(database);
    world.configure(|settings| bank(settings, |bank| bank.pin.enabled = false));
    let installation = world.install().await;
    let code = code(&world, &installation).await;
    let tokens = redeem(&world, &installation, &code).await.unwrap();
    (world, installation, tokens)
}

pub(super) fn bank(
    settings: &mut Settings,
    change: impl FnOnce(&mut countersign::settings::Application),
) {
    let bank = settings
        .applications
        .get_mut(&"bank".parse().expect("an id"))
        .expect("the bank");
    change(Arc::make_mut(bank));
}

pub(super) fn refresh_token(tokens: &TokenResponse) -> String {
    tokens
        .refresh_token
        .as_ref()
        .expect("a refresh token")
        .expose()
        .to_owned()
}

pub(super) fn refresh_request(
    world: &World,
    installation: &Installation,
    token: &str,
) -> TokenRequest {
    let credentials = installation.assertion(world.clock.now(), &json!({}));
    TokenRequest {
        refresh_token: Some(secret(token)),
        ..TokenRequest::new(credentials, "refresh_token")
    }
}

pub(super) async fn refresh(
    world: &World,
    installation: &Installation,
    token: &str,
) -> Result<TokenResponse, OAuthError> {
    world
        .token_server
        .grants
        .token(&refresh_request(world, installation, token))
        .await
}

pub(super) async fn is_alive(server: &TokenServer, tokens: &TokenResponse) -> bool {
    match server
        .bearers
        .authenticate(&PresentedToken::bearer(tokens.access_token.expose()))
        .await
    {
        Ok(_) => true,
        Err(BearerError::InvalidToken) => false,
        Err(error) => panic!("it is {error:?}"),
    }
}

async fn a_refresh_token_gives_new_tokens(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();
    assert_eq!(
        (second.scope.as_str(), second.expires_in),
        ("device user", 900)
    );

    assert_ne!(refresh_token(&first), refresh_token(&second));

    assert!(
        is_alive(&world.token_server, &first).await && is_alive(&world.token_server, &second).await
    );

    let third = refresh(&world, &installation, &refresh_token(&second))
        .await
        .unwrap();
    assert!(is_alive(&world.another_node(), &third).await);
    let events = world.events_of(&crate::support::world::user("alice")).await;
    assert_eq!(
        events
            .iter()
            .filter(|event| *event == "TOKEN_REQUEST_ACCESS_TOKEN_REFRESHED")
            .count(),
        2
    );
}

async fn a_lost_answer_is_given_again(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let lost = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();

    world.clock.advance(GRACE);

    let again = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();
    assert_eq!(refresh_token(&again), refresh_token(&lost));

    refresh(&world, &installation, &refresh_token(&again))
        .await
        .expect("the chain goes on");
}

async fn a_restarted_server_gives_a_lost_answer_again(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let token = refresh_token(&first);

    // Rotated and committed, but the answer is lost.
    let lost = world
        .another_node()
        .grants
        .token(&refresh_request(&world, &installation, &token))
        .await
        .unwrap();

    let restarted = world.another_node();
    let again = restarted
        .grants
        .token(&refresh_request(&world, &installation, &token))
        .await
        .unwrap();

    assert_eq!(refresh_token(&again), refresh_token(&lost));
    assert!(is_alive(&restarted, &again).await);
}

async fn a_reused_token_ends_its_grant(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();

    world.clock.advance(GRACE + Duration::from_millis(1));

    assert_eq!(
        refresh(&world, &installation, &refresh_token(&first))
            .await
            .err(),
        REFUSED
    );

    assert_eq!(
        refresh(&world, &installation, &refresh_token(&second))
            .await
            .err(),
        REFUSED
    );

    assert!(
        !is_alive(&world.token_server, &first).await
            && !is_alive(&world.token_server, &second).await
    );

    // Two generations back is theft even at the same instant.
    let code = code(&world, &installation).await;
    let first = redeem(&world, &installation, &code).await.unwrap();
    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();
    let third = refresh(&world, &installation, &refresh_token(&second))
        .await
        .unwrap();

    assert_eq!(
        refresh(&world, &installation, &refresh_token(&first))
            .await
            .err(),
        REFUSED
    );

    assert!(!is_alive(&world.token_server, &third).await);
}

async fn without_grace_a_token_is_good_once(database: Database) {
    let (world, installation, first) = log_in(database).await;
    world.configure(|settings| {
        settings.tokens = Arc::new(TokenSettings {
            refresh_grace_seconds: 0,
            ..TokenSettings::default()
        });
    });

    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();

    assert_eq!(
        refresh(&world, &installation, &refresh_token(&first))
            .await
            .err(),
        REFUSED
    );

    assert!(!is_alive(&world.token_server, &second).await);
}

async fn of_parallel_refreshes_all_get_the_same_successor(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let token = refresh_token(&first);
    let (one, other) = (world.token_server.clone(), world.another_node());
    let attempts = (0..20).map(|number| {
        let server = if number % 2 == 0 {
            one.clone()
        } else {
            other.clone()
        };

        let request = refresh_request(&world, &installation, &token);
        tokio::spawn(async move { server.grants.token(&request).await })
    });

    let results = futures_util::future::join_all(attempts).await;
    let successors: Vec<String> = results
        .into_iter()
        .map(|result| refresh_token(&result.unwrap().unwrap()))
        .collect();
    assert!(
        successors
            .iter()
            .all(|successor| successor == &successors[0])
    );

    let next = refresh(&world, &installation, &successors[0])
        .await
        .unwrap();
    assert_ne!(
        refresh_token(&next),
        successors[0],
        "one rotation, not twenty"
    );
}

async fn a_refresh_that_races_a_revocation_leaves_nothing_alive(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let token = refresh_token(&first);
    let refreshes: Vec<_> = (0..10)
        .map(|_| {
            let (server, request) = (
                world.token_server.clone(),
                refresh_request(&world, &installation, &token),
            );
            tokio::spawn(async move { server.grants.token(&request).await })
        })
        .collect();

    let (device, user) = (
        installation.id().clone(),
        crate::support::world::user("alice"),
    );
    assert!(world.devices.disconnect(&device, &user).await.unwrap());
    let results = futures_util::future::join_all(refreshes).await;
    for tokens in results
        .into_iter()
        .filter_map(|result| result.unwrap().ok())
    {
        assert!(!is_alive(&world.token_server, &tokens).await);

        assert_eq!(
            refresh(&world, &installation, &refresh_token(&tokens))
                .await
                .err(),
            REFUSED
        );
    }

    assert!(!is_alive(&world.token_server, &first).await);
}

async fn a_rotated_token_stays_dead_after_a_restart(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();
    let third = refresh(&world, &installation, &refresh_token(&second))
        .await
        .unwrap();

    let restarted = world.another_node();
    let request = refresh_request(&world, &installation, &refresh_token(&first));
    assert_eq!(restarted.grants.token(&request).await.err(), REFUSED);
    assert!(!is_alive(&restarted, &third).await);
}

async fn another_client_cannot_use_it(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let other = world.install().await;
    assert_eq!(
        refresh(&world, &other, &refresh_token(&first)).await.err(),
        REFUSED
    );

    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .expect("its owner is not harmed");

    assert_eq!(
        refresh(&world, &other, &refresh_token(&first)).await.err(),
        REFUSED
    );

    assert!(is_alive(&world.token_server, &second).await);
}

async fn a_refresh_token_expires(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let lifetime = Duration::from_secs(2_592_000);
    world.clock.advance(lifetime - Duration::from_millis(1));

    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();

    world.clock.advance(lifetime);

    assert_eq!(
        refresh(&world, &installation, &refresh_token(&second))
            .await
            .err(),
        REFUSED
    );
}

async fn refresh_tokens_end_with_the_login(database: Database) {
    let (world, installation, mut tokens) = log_in(database).await;

    // Twelve months of 30 days lie within a year, the thirteenth does not.
    for _ in 0..12 {
        world.clock.advance(Duration::from_secs(2_592_000 - 1));
        tokens = refresh(&world, &installation, &refresh_token(&tokens))
            .await
            .unwrap();
    }

    world
        .clock
        .advance(Duration::from_secs(5 * 86_400 + 12 - 10));

    let last = refresh(&world, &installation, &refresh_token(&tokens))
        .await
        .unwrap();
    assert_eq!(
        last.expires_in, 10,
        "an access token does not outlive what it rests on"
    );

    world.clock.advance(Duration::from_secs(10));

    assert_eq!(
        refresh(&world, &installation, &refresh_token(&last))
            .await
            .err(),
        REFUSED
    );
}

async fn a_clock_that_is_set_back_extends_nothing(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let behind = world.another_node_at(Clock::manual(world.clock.now()));
    let stale = refresh_request(&world, &installation, &refresh_token(&first));
    world.clock.advance(Duration::from_secs(3600));

    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();

    assert_eq!(behind.grants.token(&stale).await.err(), REFUSED);
    assert!(!is_alive(&world.token_server, &second).await);
}

async fn a_refreshed_token_has_no_more_scopes(database: Database) {
    let (world, installation, mut tokens) = log_in(database).await;
    for (scope, expected) in [
        ("device", Some("device")),
        ("user device", Some("user device")),
        ("device admin", None),
    ] {
        let request = TokenRequest {
            scope: Some(scope.to_owned()),
            ..refresh_request(&world, &installation, &refresh_token(&tokens))
        };
        match (world.token_server.grants.token(&request).await, expected) {
            (Ok(refreshed), Some(expected)) => {
                assert_eq!(refreshed.scope, expected);
                tokens = refreshed;
            }
            (Err(error), None) => assert_eq!(error, OAuthError::InvalidScope),
            (result, _) => panic!("{scope}: {result:?}"),
        }
    }

    let all = refresh(&world, &installation, &refresh_token(&tokens))
        .await
        .unwrap();
    assert_eq!(
        all.scope, "device user",
        "what was asked for once is not all there is"
    );
}

async fn an_assertion_is_good_for_one_refresh(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let request = refresh_request(&world, &installation, &refresh_token(&first));
    world.token_server.grants.token(&request).await.unwrap();

    assert_eq!(
        world.token_server.grants.token(&request).await.err(),
        Some(OAuthError::InvalidClient)
    );
}

async fn other_texts_are_refused(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let good = refresh_token(&first);
    let other_first = format!(
        "{}{}",
        if good.starts_with('A') { "B" } else { "A" },
        good.split_at(1).1
    );

    for wrong in [
        "x",
        good.split_at(69).0,
        &format!("{good}A"),
        &other_first,
        first.access_token.expose(),
    ] {
        assert_eq!(
            refresh(&world, &installation, wrong).await.err(),
            REFUSED,
            "{wrong}"
        );
    }

    let none = TokenRequest {
        refresh_token: None,
        ..refresh_request(&world, &installation, "")
    };
    assert!(matches!(
        world.token_server.grants.token(&none).await,
        Err(OAuthError::InvalidRequest(_))
    ));

    assert!(
        !is_alive(
            &world.token_server,
            &TokenResponse {
                access_token: secret(&good),
                ..first
            }
        )
        .await
    );
}
