//! Introspection: APIs learn what the tokens for them mean, and nobody else does.

use std::time::Duration;

use countersign::clock::{Clock, Timestamp};
use countersign::oauth::{TokenRequest, TokenType};
use countersign::settings::{ApiClient, Permission, VersionStatus};
use serde_json::json;

use super::login::{code, redeem};
use super::openid::{Wanted, code_for, gateway, introspect, with_apis};
use super::refresh::{refresh_request, refresh_token};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{ISSUER, START, World, client_credentials, secret_of};

on_both_databases!(
    a_users_token_is_introspected_whole,
    a_clients_own_token_names_no_user,
    only_the_audience_may_introspect,
    an_inactive_token_reveals_nothing,
    a_refresh_token_is_active_to_few_while_it_is_the_last,
    parallel_introspections_get_their_own_answers,
    a_clock_off_by_an_hour_keeps_the_lifetime,
);

async fn a_users_token_is_introspected_whole(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let token = redeem(&world, &installation, &code(&world, &installation).await)
        .await
        .unwrap()
        .access_token;

    world.clock.advance(Duration::from_secs(100));
    let found = introspect(&world, &[], token.expose()).await.unwrap();
    assert_eq!(
        (found.scope.as_str(), found.client_id.as_str()),
        ("device user", installation.id().as_str())
    );

    assert_eq!(
        (found.user_id.as_deref(), found.token_type),
        (Some("alice"), Some(TokenType::Bearer))
    );

    assert_eq!(
        (found.issued_at, found.expires_at),
        (START, START.after(Duration::from_secs(900)))
    );

    assert_eq!(
        (found.expires_in, found.audience.as_str(), found.jkt),
        (800, ISSUER, None)
    );

    assert_eq!(found.amr, ["pwd"]);
    let app = found.device.unwrap();
    assert_eq!(
        (
            app.application_id.as_str(),
            app.platform.as_str(),
            app.version.as_str()
        ),
        ("bank", "android", "1.0")
    );
}

async fn a_clients_own_token_names_no_user(database: Database) {
    let world = World::new(database);
    world.configure(with_apis);
    let request = client_credentials(secret_of("web", "web secret"));
    let token = world
        .token_server
        .grants
        .token(&request)
        .await
        .unwrap()
        .access_token;

    let found = introspect(&world, &[], token.expose()).await.unwrap();
    assert_eq!(
        (found.client_id.as_str(), found.user_id, found.device),
        ("web", None, None)
    );

    assert_eq!((found.scope.as_str(), found.amr), ("orders", Vec::new()));
}

/// M-20: a token for one API is unknown to another, and to a client without an API.
async fn only_the_audience_may_introspect(database: Database) {
    let world = World::new(database);
    world.configure(with_apis);

    let token = async |resource: Option<&str>| {
        let resource = resource.map(str::to_owned);
        let request = TokenRequest {
            resource,
            ..client_credentials(secret_of("web", "web secret"))
        };
        world
            .token_server
            .grants
            .token(&request)
            .await
            .unwrap()
            .access_token
            .expose()
            .to_owned()
    };

    let tokens = [
        token(None).await,
        token(Some("https://orders.example")).await,
        token(Some("https://stock.example")).await,
    ];

    assert!(
        tokens[1].contains('.') && !tokens[2].contains('.'),
        "one API takes JWTs, the other does not"
    );

    for (resource_servers, told) in [
        (&[][..], [true, false, false]),
        (&["orders"], [false, true, false]),
        (&["stock"], [false, false, true]),
        (&["orders", "stock"], [false, true, true]),
        (&["Orders"], [false, false, false]),
        (&["https://orders.example"], [false, false, false]),
    ] {
        for (token, told) in tokens.iter().zip(told) {
            let found = introspect(&world, resource_servers, token).await;
            assert_eq!(found.is_some(), told, "{resource_servers:?} {token}");
        }
    }

    let found = introspect(&world, &["stock"], &tokens[2]).await.unwrap();
    assert_eq!(
        (found.audience.as_str(), found.expires_in),
        ("https://stock.example", 300)
    );

    world.configure(|settings| settings.resource_servers.clear());

    assert_eq!(
        introspect(&world, &["stock"], &tokens[2]).await,
        None,
        "an API that is gone has no tokens"
    );
}

async fn an_inactive_token_reveals_nothing(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;

    for unknown in [
        "",
        "x",
        &"A".repeat(64),
        &"A".repeat(70),
        "a.b.c",
        "..",
        &"x".repeat(10_000),
    ] {
        assert_eq!(introspect(&world, &[], unknown).await, None);
    }

    let code = code(&world, &installation).await;
    let revoked = redeem(&world, &installation, &code).await.unwrap();
    assert!(
        introspect(&world, &[], revoked.access_token.expose())
            .await
            .is_some()
    );

    redeem(&world, &installation, &code).await.unwrap_err();

    for token in [revoked.access_token.expose(), &refresh_token(&revoked)] {
        assert_eq!(introspect(&world, &[], token).await, None);

        let elsewhere = world
            .another_node()
            .introspection
            .introspect(&gateway(&[]), token)
            .await
            .unwrap();

        assert_eq!(elsewhere, None, "on all nodes");
    }

    let own = world
        .token_server
        .grants
        .token(&installation.device_token_request(world.clock.now()))
        .await
        .unwrap();

    world.set_status("1.0", VersionStatus::Disabled);

    assert_eq!(
        introspect(&world, &[], own.access_token.expose()).await,
        None
    );

    world.set_status("1.0", VersionStatus::LoginOnly);

    assert!(
        introspect(&world, &[], own.access_token.expose())
            .await
            .is_some()
    );

    world.clock.advance(Duration::from_secs(900));

    assert_eq!(
        introspect(&world, &[], own.access_token.expose()).await,
        None
    );
}

async fn a_refresh_token_is_active_to_few_while_it_is_the_last(database: Database) {
    let world = World::new(database);
    world.configure(|settings| super::refresh::bank(settings, |bank| bank.pin.enabled = false));
    world.configure(with_apis);
    let installation = world.install().await;

    let wanted = Wanted {
        scope: "device user",
        resource_server: Some("orders"),
        ..Wanted::default()
    };

    let tokens = redeem(
        &world,
        &installation,
        &code_for(&world, &installation, wanted).await,
    )
    .await
    .unwrap();

    let first = refresh_token(&tokens);
    assert_eq!(
        introspect(&world, &["orders"], &first).await,
        None,
        "an API would take it for an access token"
    );

    let introspect = async |resource_servers: &[&str], token: &str| {
        let caller = ApiClient {
            permissions: [Permission::TokenIntrospectionAll].into(),
            ..gateway(resource_servers)
        };
        let introspection = &world.token_server.introspection;
        introspection.introspect(&caller, token).await.unwrap()
    };
    let found = introspect(&["orders"], &first).await.unwrap();
    assert_eq!(
        (found.token_type, found.user_id.as_deref(), found.expires_in),
        (None, Some("alice"), 2_592_000)
    );

    assert_eq!(found.device.unwrap().application_id, "bank");

    assert_eq!(introspect(&[], &first).await, None, "it is not everybody's");

    let request = refresh_request(&world, &installation, &first);
    let second = refresh_token(&world.token_server.grants.token(&request).await.unwrap());
    assert_eq!(introspect(&["orders"], &first).await, None);
    assert!(introspect(&["orders"], &second).await.is_some());
    world.clock.advance(Duration::from_secs(2_592_000));
    assert_eq!(introspect(&["orders"], &second).await, None);
}

async fn parallel_introspections_get_their_own_answers(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let mut tokens = Vec::new();
    for _ in 0..20 {
        let request = installation.device_token_request(world.clock.now());
        tokens.push(
            world
                .token_server
                .grants
                .token(&request)
                .await
                .unwrap()
                .access_token
                .expose()
                .to_owned(),
        );
    }

    let asked = (0..200).map(|index| {
        let (server, token) = (
            world.token_server.clone(),
            tokens[index % tokens.len()].clone(),
        );
        tokio::spawn(async move {
            (
                server
                    .introspection
                    .introspect(&gateway(&[]), &token)
                    .await
                    .unwrap()
                    .unwrap()
                    .jti,
                token,
            )
        })
    });

    let mut found: Vec<_> = futures_util::future::join_all(asked)
        .await
        .into_iter()
        .map(|answer| answer.unwrap())
        .collect();

    found.sort();
    found.dedup();
    assert_eq!(found.len(), tokens.len(), "each token has one id");
}

async fn a_clock_off_by_an_hour_keeps_the_lifetime(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let token = world
        .token_server
        .grants
        .token(&installation.device_token_request(START))
        .await
        .unwrap()
        .access_token;

    for (millis, active) in [(-3_600_000, true), (3_600_000, false)] {
        let node = world.another_node_at(Clock::manual(Timestamp::from_millis(
            START.as_millis() + millis,
        )));
        let found = node
            .introspection
            .introspect(&gateway(&[]), token.expose())
            .await
            .unwrap();

        assert_eq!(found.is_some(), active, "{}", json!(millis));
    }
}
