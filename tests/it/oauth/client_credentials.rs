//! A device's own token.

use std::time::Duration;

use countersign::oauth::{BearerError, OAuthError, PresentedToken, TokenRequest};
use countersign::settings::VersionStatus;
use serde_json::json;

use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{World, client_credentials, credentials_by, new_key, secret_of};

on_both_databases!(
    a_device_token_is_good_until_it_expires,
    only_the_device_itself_gets_its_token,
    an_installation_has_no_token_of_its_own_for_apis,
    an_assertion_is_good_for_one_token,
    of_parallel_replays_one_gets_a_token,
    a_device_token_has_the_device_scope,
    a_disabled_version_gets_and_keeps_no_token,
);

async fn a_device_token_is_good_until_it_expires(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let response = world
        .token_server
        .grants
        .token(&installation.device_token_request(world.clock.now()))
        .await
        .unwrap();

    assert_eq!(
        (
            response.scope.as_str(),
            response.expires_in,
            response.profile_id
        ),
        ("device", 900, None)
    );

    let token = response.access_token.expose();
    let bearer = world
        .token_server
        .bearers
        .authenticate(&PresentedToken::bearer(token))
        .await
        .unwrap();

    assert_eq!(
        (&bearer.device_id, bearer.user_id, bearer.scope.as_str()),
        (installation.id(), None, "device")
    );

    let shorter = token.split_at(63).0;
    for wrong in [
        "",
        "x",
        shorter,
        &format!("{shorter}!"),
        &format!("{token}A"),
        installation.registration_token.expose(),
    ] {
        let result = world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(wrong))
            .await;

        assert_eq!(result, Err(BearerError::InvalidToken), "{wrong}");
    }

    world.clock.advance(Duration::from_secs(900));

    assert_eq!(
        world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(token))
            .await,
        Err(BearerError::InvalidToken)
    );
}

async fn only_the_device_itself_gets_its_token(database: Database) {
    let world = World::new(database);
    let (installation, other) = (world.install().await, world.install().await);
    let (now, id) = (world.clock.now(), installation.id().as_str());
    for refused in [
        credentials_by(&new_key(), id, now, &json!({})),
        credentials_by(&other.key, id, now, &json!({})),
        credentials_by(&installation.key, &"0".repeat(64), now, &json!({})),
        installation.assertion(now, &json!({ "iss": other.id() })),
        installation.assertion(
            now,
            &json!({ "aud": "https://id.example.evil.test/oauth/token" }),
        ),
        installation.assertion(now, &json!({ "exp": (now.as_secs() + 60).to_string() })),
        installation.assertion(now, &json!({ "exp": now.as_secs() + 3601 })),
        installation.assertion(now, &json!({ "jti": "" })),
        secret_of(id, installation.registration_token.expose()),
        secret_of("nobody", "x"),
    ] {
        let result = world
            .token_server
            .grants
            .token(&client_credentials(refused))
            .await;

        assert_eq!(result.err(), Some(OAuthError::InvalidClient));
    }

    for api_client in [
        secret_of("portal", "portal secret"),
        credentials_by(&world.client_key, "keyed", now, &json!({})),
    ] {
        let result = world
            .token_server
            .grants
            .token(&client_credentials(api_client))
            .await;

        assert!(matches!(result, Err(OAuthError::UnauthorizedClient(_))));
    }
}

async fn an_installation_has_no_token_of_its_own_for_apis(database: Database) {
    let world = World::new(database);
    world.configure(super::openid::with_apis);
    world.configure(|settings| {
        super::refresh::bank(settings, |bank| bank.scopes = ["orders".to_owned()].into());
    });
    let installation = world.install().await;

    let ask = async |scope: Option<&str>, resource: Option<&str>| {
        let request = TokenRequest {
            scope: scope.map(str::to_owned),
            resource: resource.map(str::to_owned),
            ..installation.device_token_request(world.clock.now())
        };
        let asked = world.token_server.grants.token(&request).await;
        asked.map(|token| token.scope)
    };

    // Anybody can register one, and no user stands behind it.
    assert_eq!(ask(None, None).await, Ok("device".to_owned()));
    assert_eq!(
        ask(Some("orders"), None).await,
        Err(OAuthError::InvalidScope)
    );
    assert_eq!(
        ask(None, Some("https://orders.example")).await,
        Err(OAuthError::InvalidTarget)
    );
}

async fn an_assertion_is_good_for_one_token(database: Database) {
    let world = World::new(database);
    let (installation, other) = (world.install().await, world.install().await);
    let now = world.clock.now();
    let request = installation.device_token_request(now);
    world.token_server.grants.token(&request).await.unwrap();

    assert_eq!(
        world.token_server.grants.token(&request).await.err(),
        Some(OAuthError::InvalidClient)
    );

    let with_same_jti = json!({ "jti": "same", "exp": now.as_secs() + 600 });

    for (installation, expected) in [
        (&installation, None),
        (&other, None),
        (&installation, Some(OAuthError::InvalidClient)),
    ] {
        let request = client_credentials(installation.assertion(now, &with_same_jti));
        assert_eq!(
            world.token_server.grants.token(&request).await.err(),
            expected,
            "a jti is its client's own"
        );
    }
}

async fn of_parallel_replays_one_gets_a_token(database: Database) {
    let world = World::new(database);
    let request = world
        .install()
        .await
        .device_token_request(world.clock.now());
    let attempts = (0..20).map(|_| {
        let (token_server, request) = (world.token_server.clone(), request.clone());
        tokio::spawn(async move { token_server.grants.token(&request).await.err() })
    });
    let results: Vec<_> = futures_util::future::join_all(attempts)
        .await
        .into_iter()
        .map(|result| result.unwrap())
        .collect();

    assert_eq!(results.iter().filter(|error| error.is_none()).count(), 1);

    assert!(
        results
            .iter()
            .all(|error| matches!(error, None | Some(OAuthError::InvalidClient)))
    );
}

async fn a_device_token_has_the_device_scope(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let with_scope = |scope: &str| TokenRequest {
        scope: Some(scope.to_owned()),
        ..installation.device_token_request(world.clock.now())
    };
    assert_eq!(
        world
            .token_server
            .grants
            .token(&with_scope("device"))
            .await
            .unwrap()
            .scope,
        "device"
    );

    for scope in ["device user", "user", "", "admin", &"device ".repeat(9_000)] {
        assert_eq!(
            world
                .token_server
                .grants
                .token(&with_scope(scope))
                .await
                .err(),
            Some(OAuthError::InvalidScope)
        );
    }

    for grant_type in ["", "password", "implicit", "Client_Credentials"] {
        let request = TokenRequest {
            grant_type: grant_type.to_owned(),
            ..with_scope("device")
        };
        assert_eq!(
            world.token_server.grants.token(&request).await.err(),
            Some(OAuthError::UnsupportedGrantType)
        );
    }
}

async fn a_disabled_version_gets_and_keeps_no_token(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let now = world.clock.now();
    let token = world
        .token_server
        .grants
        .token(&installation.device_token_request(now))
        .await
        .unwrap()
        .access_token;

    world.set_status("1.0", VersionStatus::LoginOnly);

    world
        .token_server
        .bearers
        .authenticate(&PresentedToken::bearer(token.expose()))
        .await
        .unwrap();

    world
        .token_server
        .grants
        .token(&installation.device_token_request(now))
        .await
        .unwrap();

    world.set_status("1.0", VersionStatus::Disabled);

    assert_eq!(
        world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(token.expose()))
            .await,
        Err(BearerError::InvalidToken)
    );

    let refused = world
        .token_server
        .grants
        .token(&installation.device_token_request(now))
        .await;

    assert!(matches!(refused, Err(OAuthError::UnauthorizedClient(_))));
}
