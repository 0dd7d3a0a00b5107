//! One API asks another in a user's name (RFC 8693).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::oauth::{
    AcceptConsent, Actor, Introspection, OAuthError, TokenRequest, TokenResponse,
};
use countersign::settings::{ResourceServer, TokenFormat};
use serde_json::{Value, json};

use super::login::authorize;
use super::openid::introspect;
use super::web::{asks, consent, disable, log_in, parameter, redeem, text, web_world};
use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{World, client_credentials, secret_of};

on_both_databases!(
    an_api_asks_another_one_in_the_users_name,
    a_token_is_not_exchanged_for_more,
    what_cannot_be_exchanged_is_refused,
    an_exchanged_token_ends_with_what_it_rests_on,
);

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const STOCK: &str = "https://stock.example";
const BILLS: &str = "https://bills.example";

/// With the client "other", which asks for stock, and "trusted", which asks for bills.
fn world_of_apis(database: Database) -> World {
    let world = web_world(database);
    world.configure(|settings| {
        for (id, client, access_token_format) in [
            ("stock", "other", Some(TokenFormat::Jwt)),
            ("bills", "trusted", None),
        ] {
            let server = ResourceServer {
                id: id.to_owned(),
                name: id.to_owned(),
                audience: format!("https://{id}.example"),
                permitted_clients: [client.to_owned()].into(),
                scopes: ["orders", "profile"].map(str::to_owned).into(),
                claims: [].into(),
                access_token_format,
                access_token_lifetime_seconds: None,
                signing_algorithm: None,
            };
            settings
                .resource_servers
                .insert(id.to_owned(), Arc::new(server));
        }
    });
    world
}

/// Alice logs in at "web".
async fn logged_in(world: &World) -> TokenResponse {
    let begun = authorize(world, &asks("web")).await.unwrap();
    let asked = log_in(world, &begun, "alice", false).await;
    let answered = consent(world, &asked.unwrap(), &AcceptConsent::default()).await;
    let web = secret_of("web", "web secret");
    redeem(world, web, &parameter(&answered, "code"))
        .await
        .unwrap()
}

fn exchange(client: &str, token: &str, resource: &str) -> TokenRequest {
    TokenRequest {
        subject_token: Some(secret(token)),
        subject_token_type: text(ACCESS_TOKEN),
        resource: text(resource),
        ..TokenRequest::new(secret_of(client, &format!("{client} secret")), EXCHANGE)
    }
}

async fn ask(world: &World, request: TokenRequest) -> Result<TokenResponse, OAuthError> {
    world.token_server.grants.token(&request).await
}

async fn exchanged(world: &World, client: &str, token: &str, resource: &str) -> TokenResponse {
    ask(world, exchange(client, token, resource)).await.unwrap()
}

async fn found(world: &World, server: &str, token: &TokenResponse) -> Option<Introspection> {
    introspect(world, &[server], token.access_token.expose()).await
}

async fn an_api_asks_another_one_in_the_users_name(database: Database) {
    let world = world_of_apis(database);
    let first = logged_in(&world).await;
    world.clock.advance(Duration::from_secs(600));

    let second = exchanged(&world, "other", first.access_token.expose(), STOCK).await;
    assert_eq!(second.issued_token_type, Some(ACCESS_TOKEN));
    assert!(second.refresh_token.is_none() && second.id_token.is_none());
    // No longer than the token that it was given for.
    assert_eq!(
        (second.expires_in, second.scope.as_str()),
        (300, "orders profile")
    );

    let told = found(&world, "stock", &second).await.unwrap();
    let actor = |sub: &str, act| Actor {
        sub: sub.to_owned(),
        act,
    };
    assert_eq!(told.user_id.as_deref(), Some("alice"));
    assert_eq!(
        (told.client_id.as_str(), told.audience.as_str()),
        ("other", STOCK)
    );
    assert_eq!(
        (told.acr.as_deref(), told.amr),
        (Some("silver"), vec!["pwd".to_owned()])
    );
    assert_eq!(told.actor, Some(actor("other", None)));

    // The JWT says the same.
    let payload = second.access_token.expose().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(claims["act"], json!({ "sub": "other" }));
    assert_eq!(
        (&claims["sub"], &claims["client_id"]),
        (&json!("alice"), &json!("other"))
    );

    // The next one in the row, which names the audience as `audience`.
    let request = TokenRequest {
        resource: None,
        audience: text(BILLS),
        requested_token_type: text(ACCESS_TOKEN),
        scope: text("orders"),
        ..exchange("trusted", second.access_token.expose(), "")
    };
    let third = ask(&world, request).await.unwrap();
    assert_eq!(third.scope, "orders");
    let told = found(&world, "bills", &third).await.unwrap();
    let before = Some(Box::new(actor("other", None)));
    assert_eq!(told.actor, Some(actor("trusted", before)));

    // Nothing of it is for this server itself, or for another API.
    for token in [&second, &third] {
        assert_eq!(
            introspect(&world, &[], token.access_token.expose()).await,
            None
        );
        assert_eq!(found(&world, "orders-api", token).await, None);
    }
}

async fn a_token_is_not_exchanged_for_more(database: Database) {
    let world = world_of_apis(database);
    let first = logged_in(&world).await;
    let first = first.access_token.expose();

    let narrow = TokenRequest {
        scope: text("orders"),
        ..exchange("other", first, STOCK)
    };
    let narrow = ask(&world, narrow).await.unwrap();
    for scope in ["profile", "orders profile", "openid", "device"] {
        let wide = TokenRequest {
            scope: text(scope),
            ..exchange("other", narrow.access_token.expose(), STOCK)
        };
        assert_eq!(
            ask(&world, wide).await.err(),
            Some(OAuthError::InvalidScope),
            "{scope}"
        );
    }

    for resource in [
        BILLS,
        "https://api.web.example",
        "https://nobody.example",
        "",
    ] {
        let request = exchange("other", first, resource);
        assert_eq!(
            ask(&world, request).await.err(),
            Some(OAuthError::InvalidTarget),
            "{resource}"
        );
    }
    let two = TokenRequest {
        audience: text(BILLS),
        ..exchange("other", first, STOCK)
    };
    assert_eq!(
        ask(&world, two).await.err(),
        Some(OAuthError::InvalidTarget)
    );
}

async fn what_cannot_be_exchanged_is_refused(database: Database) {
    let world = world_of_apis(database);
    let first = logged_in(&world).await;
    let good = || exchange("other", first.access_token.expose(), STOCK);
    let own = ask(&world, client_credentials(secret_of("web", "web secret"))).await;
    let own = own.unwrap().access_token;
    let refresh = first.refresh_token.as_ref().unwrap();

    let with = |token: &str| TokenRequest {
        subject_token: Some(secret(token)),
        ..good()
    };
    for (reason, request) in [
        ("a client's own", with(own.expose())),
        ("a refresh token", with(refresh.expose())),
        ("garbage", with("x")),
        (
            "none",
            TokenRequest {
                subject_token: None,
                ..good()
            },
        ),
        (
            "no type",
            TokenRequest {
                subject_token_type: None,
                ..good()
            },
        ),
        (
            "no target",
            TokenRequest {
                resource: None,
                ..good()
            },
        ),
        (
            "an actor",
            TokenRequest {
                actor_token: Some(secret("x")),
                ..good()
            },
        ),
        (
            "an ID token",
            TokenRequest {
                subject_token_type: text("urn:ietf:params:oauth:token-type:id_token"),
                ..good()
            },
        ),
        (
            "for a refresh token",
            TokenRequest {
                requested_token_type: text("urn:ietf:params:oauth:token-type:refresh_token"),
                ..good()
            },
        ),
    ] {
        let refused = ask(&world, request).await.err();
        assert!(
            matches!(refused, Some(OAuthError::InvalidRequest(_))),
            "{reason}: {refused:?}"
        );
    }

    // Who may not, and what is no longer good.
    let installation = world.install().await;
    let credentials = installation.assertion(world.clock.now(), &json!({}));
    let by_device = TokenRequest {
        credentials,
        ..good()
    };
    let refused = ask(&world, by_device).await.err();
    assert!(
        matches!(refused, Some(OAuthError::UnauthorizedClient(_))),
        "{refused:?}"
    );

    world.clock.advance(Duration::from_secs(900));
    let refused = ask(&world, good()).await.err();
    assert!(
        matches!(refused, Some(OAuthError::InvalidRequest(_))),
        "{refused:?}"
    );
}

/// Each of these ends the token, on another node too, and nothing else does.
async fn an_exchanged_token_ends_with_what_it_rests_on(database: Database) {
    let world = world_of_apis(database);
    let first = logged_in(&world).await;
    let revocation = &world.token_server.revocation;
    let first_text = first.access_token.expose();

    let alive = async |token: &TokenResponse| found(&world, "stock", token).await.is_some();

    // Revocations of others, before and after, do it no harm.
    revocation.revoke_client("tv").await.unwrap();
    revocation.revoke_client("other").await.unwrap();
    let token = exchanged(&world, "other", first_text, STOCK).await;
    revocation.revoke_client("trusted").await.unwrap();
    revocation.revoke_resource_server("bills").await.unwrap();
    assert!(alive(&token).await);

    // All of the client that it was issued to.
    revocation.revoke_client("other").await.unwrap();
    assert!(!alive(&token).await);

    // All for its resource server.
    let token = exchanged(&world, "other", first_text, STOCK).await;
    assert!(alive(&token).await);
    revocation.revoke_resource_server("stock").await.unwrap();
    assert!(!alive(&token).await);

    // All of the client at which the user has logged in.
    let token = exchanged(&world, "other", first_text, STOCK).await;
    assert!(alive(&token).await);
    revocation.revoke_client("web").await.unwrap();
    assert!(!alive(&token).await);

    // All of the user.
    let again = logged_in(&world).await;
    let token = exchanged(&world, "other", again.access_token.expose(), STOCK).await;
    assert!(alive(&token).await);
    disable(&world, "alice").await;
    assert!(!alive(&token).await);
}
