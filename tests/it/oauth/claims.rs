//! What the login page says of a user, and who is told.

use std::sync::Arc;
use std::time::Duration;

use countersign::oauth::{
    AcceptConsent, AcceptLogin, AuthorizeRequest, Claims, PageRequestError, PresentedToken,
    TokenRequest, TokenResponse,
};
use countersign::settings::{Scope, TokenFormat};
use countersign::store::schema::grants;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::login::{authorize, returned};
use super::openid::{claims, introspect};
use super::web::{asks, consent, parameter, redeem, text, web_world};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{World, secret_of, user};

on_both_databases!(
    claims_are_given_out_by_scope,
    what_a_user_does_not_allow_is_not_kept,
    a_login_may_be_older_than_its_answer,
);

const AUDIENCE: &str = "https://api.web.example";

/// With a scope that gives out a claim of its own, and a resource server whose JWTs tell some.
fn world_with_claims(database: Database) -> World {
    let world = web_world(database);

    world.configure(|settings| {
        for client in settings.web_clients.values_mut() {
            let more = ["email", "phone", "offline_access"].map(str::to_owned);
            Arc::make_mut(client).scopes.extend(more);
        }

        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let orders = Scope {
            id: "orders".to_owned(),
            descriptions: [].into(),
            claims: names(&["customer"]),
        };
        settings.scopes.insert("orders".to_owned(), orders.into());

        let server = settings.resource_servers.get_mut("orders-api").unwrap();
        let server = Arc::make_mut(server);
        server.claims = names(&["customer", "email", "phone_number"]);
        server.access_token_format = Some(TokenFormat::Jwt);
    });

    world
}

fn said() -> Value {
    json!({
        "name": "Alice Example",
        "email": "alice@example.com",
        "email_verified": true,
        "phone_number": "+15005550100",
        "customer": { "number": 7 },
    })
}

fn answer() -> AcceptLogin {
    let Value::Object(said) = said() else {
        unreachable!()
    };

    AcceptLogin {
        amr: vec!["pwd".to_owned()],
        acr: text("gold"),
        claims: Claims::new(said).unwrap(),
        ..AcceptLogin::of(user("alice"))
    }
}

/// Everything up to the tokens.
async fn tokens(
    world: &World,
    scope: &str,
    resource: Option<&str>,
    answer: &AcceptLogin,
    allowed: &AcceptConsent,
) -> TokenResponse {
    let request = AuthorizeRequest {
        scope: text(scope),
        resource: resource.map(str::to_owned),
        ..asks("web")
    };
    let page = authorize(world, &request).await.unwrap();
    let challenge = parameter(&page, "login_challenge");
    let logins = &world.token_server.logins;
    let resume = logins.accept(None, &challenge, answer).await.unwrap();
    let page = returned(world, &resume).await.unwrap();
    let back = consent(world, &page, allowed).await;

    let credentials = secret_of("web", "web secret");
    let tokens = redeem(world, credentials, &parameter(&back, "code")).await;
    tokens.unwrap()
}

async fn user_info(world: &World, tokens: &TokenResponse) -> Value {
    let presented = PresentedToken::bearer(tokens.access_token.expose());
    let told = world.token_server.bearers.user_info(&presented).await;
    serde_json::to_value(told.unwrap().claims).unwrap()
}

/// The members of `value` of these names.
fn members(value: &Value, names: &[&str]) -> Value {
    let members = names
        .iter()
        .filter_map(|&name| Some((name.to_owned(), value.get(name)?.clone())));
    Value::Object(members.collect())
}

const NAMES: [&str; 5] = [
    "name",
    "email",
    "email_verified",
    "phone_number",
    "customer",
];

async fn claims_are_given_out_by_scope(database: Database) {
    let world = world_with_claims(database);
    let server = &world.token_server;

    for (scope, for_client, for_api) in [
        ("openid orders", &["customer"][..], &["customer"][..]),
        (
            "openid profile orders",
            &["name", "customer"],
            &["customer"],
        ),
        (
            "openid profile email orders",
            &["name", "email", "email_verified", "customer"],
            &["email", "customer"],
        ),
        (
            "openid email phone orders",
            &["email", "email_verified", "phone_number", "customer"],
            &["email", "phone_number", "customer"],
        ),
    ] {
        let issued = tokens(
            &world,
            scope,
            Some(AUDIENCE),
            &answer(),
            &AcceptConsent::default(),
        )
        .await;

        // Refreshed, the tokens say the same.
        let request = TokenRequest {
            refresh_token: issued.refresh_token.clone(),
            ..TokenRequest::new(secret_of("web", "web secret"), "refresh_token")
        };
        let refreshed = server.grants.token(&request).await.unwrap();

        for tokens in [&issued, &refreshed] {
            let id_token = claims(server, "JWT", tokens.id_token.as_ref().unwrap()).await;
            let expected = members(&said(), for_client);
            assert_eq!(members(&id_token, &NAMES), expected, "{scope}");
            assert_eq!(
                (&id_token["sub"], &id_token["acr"]),
                (&json!("alice"), &json!("gold"))
            );

            let access_token = claims(server, "at+jwt", tokens.access_token.expose()).await;
            let expected = members(&said(), for_api);
            assert_eq!(members(&access_token, &NAMES), expected, "{scope}");

            let told = introspect(&world, &["orders-api"], tokens.access_token.expose()).await;
            let told = told.unwrap();
            assert_eq!(told.acr.as_deref(), Some("gold"));
            assert_eq!(told.auth_time.unwrap().as_secs(), id_token["auth_time"]);
        }
    }

    let supported = server.metadata().claims_supported;
    for name in ["sub", "name", "email", "phone_number", "customer"] {
        let count = supported.iter().filter(|known| *known == name).count();
        assert_eq!(count, 1, "{name}");
    }

    // What is kept is sealed.
    let kept = |connection: &mut _| {
        let kept = grants::table.select(grants::claims);
        kept.load::<Option<String>>(connection)
    };
    for kept in world.store.read(kept).await.unwrap() {
        assert!(!kept.unwrap().contains("alice"));
    }
}

async fn what_a_user_does_not_allow_is_not_kept(database: Database) {
    let world = world_with_claims(database);
    let less = AcceptConsent {
        granted_scopes: Some(["openid", "email"].map(str::to_owned).into()),
        remember: false,
    };
    let issued = tokens(&world, "openid email phone orders", None, &answer(), &less).await;

    let expected = members(&said(), &["email", "email_verified"]);
    assert_eq!(user_info(&world, &issued).await, expected);

    let id_token = issued.id_token.as_ref().unwrap();
    let id_token = claims(&world.token_server, "JWT", id_token).await;
    assert_eq!(members(&id_token, &NAMES), expected);
}

async fn a_login_may_be_older_than_its_answer(database: Database) {
    let world = world_with_claims(database);
    let now = world.clock.now();
    let ago = |seconds| Some(now.before(Duration::from_secs(seconds)));

    let hour_ago = AcceptLogin {
        auth_time: ago(3600),
        ..answer()
    };
    let issued = tokens(
        &world,
        "openid orders",
        None,
        &hour_ago,
        &AcceptConsent::default(),
    )
    .await;
    let id_token = issued.id_token.as_ref().unwrap();
    let id_token = claims(&world.token_server, "JWT", id_token).await;
    assert_eq!(id_token["auth_time"], now.as_secs() - 3600);

    let none = || asks("web");
    let max_age = |seconds: &str| AuthorizeRequest {
        max_age: text(seconds),
        ..none()
    };
    let prompt = AuthorizeRequest {
        prompt: text("login"),
        ..none()
    };

    for (request, auth_time, is_taken) in [
        (none(), Some(now.after(Duration::from_secs(61))), false),
        (none(), Some(now.after(Duration::from_secs(60))), true),
        (none(), ago(1_000_000), true),
        (max_age("0"), ago(61), false),
        (max_age("0"), ago(1), true),
        (max_age("600"), ago(661), false),
        (max_age("600"), ago(600), true),
        (prompt.clone(), ago(61), false),
        (prompt.clone(), ago(0), true),
        (prompt, None, true),
    ] {
        let page = authorize(&world, &request).await.unwrap();
        let answer = AcceptLogin {
            auth_time,
            ..AcceptLogin::of(user("alice"))
        };
        let challenge = parameter(&page, "login_challenge");
        let logins = &world.token_server.logins;
        let told = logins.accept(None, &challenge, &answer).await;

        let is_refused = matches!(
            told,
            Err(PageRequestError::InvalidParameter {
                parameter: "auth_time",
                ..
            })
        );
        assert_eq!(
            (told.is_ok(), is_refused),
            (is_taken, !is_taken),
            "{request:?} {auth_time:?}"
        );
    }
}
