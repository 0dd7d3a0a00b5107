//! JWTs in a list of tokens: signed again, and accepted like those that were issued.

use std::time::Duration;

use countersign::jose::{SigningAlgorithm, SigningKey};
use countersign::oauth::{
    BearerError, PresentedToken, RevocationRequest, TokenInfoRequest, TokenResponse,
};
use countersign::random::SystemRandom;
use countersign::settings::{Permission, TokenFormat, VersionStatus};
use countersign::store::schema::access_tokens;
use countersign::store::{Connection, StoreError, WriteError};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::listing::{by_portal, list, permit};
use super::login::{code, redeem};
use super::openid::{Wanted, claims, code_for, introspect, with_apis, with_jwts};
use super::refresh::{bank, log_in, refresh, refresh_token};
use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{Installation, World};

on_both_databases!(
    a_listed_jwt_is_accepted_like_the_issued_one,
    a_listed_jwt_ends_its_token,
    a_jwt_that_cannot_be_used_is_listed_without_text,
    jwts_signed_by_others_are_refused,
    a_jwt_that_differs_from_its_row_is_refused,
    a_jwt_for_an_api_is_listed_while_that_is_configured,
);

/// What the list tells of each access token, the oldest first.
async fn listed(world: &World, shown: &TokenResponse) -> Vec<Value> {
    listed_for(world, &by_portal(shown)).await
}

async fn listed_for(world: &World, request: &TokenInfoRequest) -> Vec<Value> {
    let (document, _) = list(world, request).await.unwrap();
    let transactions = document["clients"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|client| {
            client["transactions"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|login| login["tokens"].as_array().unwrap())
        });

    transactions
        .filter_map(|token| token.get("access_token").cloned())
        .collect()
}

/// Alice with a JWT, and its text in the list.
async fn with_a_listed_jwt(database: Database) -> (World, Installation, TokenResponse, String) {
    let world = World::new(database);
    permit(&world, &[Permission::ListUsersOtherClients], &["bank"]);
    world.configure(|settings| bank(settings, |bank| bank.pin.enabled = false));
    with_jwts(&world, SigningAlgorithm::Es256);
    let installation = world.install().await;
    let tokens = redeem(&world, &installation, &code(&world, &installation).await)
        .await
        .unwrap();
    let text = text(&listed(&world, &tokens).await[0]);
    assert_ne!(text, tokens.access_token.expose());

    (world, installation, tokens, text)
}

fn text(listed: &Value) -> String {
    listed["token"]
        .as_str()
        .expect("a JWT is listed whole")
        .to_owned()
}

async fn is_taken(world: &World, text: &str) -> bool {
    let mut taken = Vec::new();
    for server in [&world.token_server, &world.another_node()] {
        taken.push(
            match server
                .bearers
                .authenticate(&PresentedToken::bearer(text))
                .await
            {
                Ok(_) => true,
                Err(BearerError::InvalidToken) => false,
                Err(error) => panic!("it is {error:?}"),
            },
        );
    }

    taken.push(introspect(world, &[], text).await.is_some());
    assert!(taken.iter().all(|one| *one == taken[0]), "{taken:?}");

    taken[0]
}

async fn a_listed_jwt_is_accepted_like_the_issued_one(database: Database) {
    let (world, installation, opaque) = log_in(database).await;
    permit(&world, &[Permission::ListUsersOtherClients], &["bank"]);
    with_jwts(&world, SigningAlgorithm::Es256);
    world.clock.advance(Duration::from_secs(1));

    let jwt = refresh(&world, &installation, &refresh_token(&opaque))
        .await
        .unwrap();

    // A new format does not change the tokens that were issued.
    world.configure(|settings| {
        bank(settings, |bank| {
            bank.tokens.access_token_format = TokenFormat::Opaque;
        });
    });

    let tokens = listed(&world, &jwt).await;
    let [first, second] = tokens.as_slice() else {
        panic!("there are two: {tokens:?}")
    };
    assert_eq!(
        first.get("token"),
        None,
        "nobody has an opaque token but whoever it was given to"
    );

    let (given, made) = (jwt.access_token.expose(), text(second));
    let said = claims(&world.token_server, "at+jwt", &made).await;
    assert_eq!(
        (&said, &said["jti"]),
        (
            &claims(&world.token_server, "at+jwt", given).await,
            &second["jti"]
        )
    );

    assert!(is_taken(&world, &made).await && is_taken(&world, given).await);

    assert_eq!(
        introspect(&world, &[], &made).await,
        introspect(&world, &[], given).await
    );

    world.clock.advance(Duration::from_secs(900));

    let fresh = refresh(&world, &installation, &refresh_token(&jwt))
        .await
        .unwrap();
    let tokens = listed(&world, &fresh).await;
    let expired = tokens
        .iter()
        .find(|token| token["jti"] == said["jti"])
        .expect("it is listed still");
    assert_eq!(
        (&expired["is_valid"], expired.get("token")),
        (&json!(false), None)
    );

    assert!(!is_taken(&world, &made).await);
}

async fn a_listed_jwt_ends_its_token(database: Database) {
    let (world, installation, tokens, made) = with_a_listed_jwt(database).await;
    let revoke = async |by: &Installation| {
        let credentials = by.assertion(world.clock.now(), &json!({}));
        world
            .token_server
            .revocation
            .revoke(&RevocationRequest {
                credentials,
                token: secret(&made),
            })
            .await
            .unwrap();
    };

    revoke(&world.install().await).await;
    assert!(is_taken(&world, &made).await, "it is another client's");
    revoke(&installation).await;

    assert!(
        !is_taken(&world, &made).await && !is_taken(&world, tokens.access_token.expose()).await
    );

    let tokens = refresh(&world, &installation, &refresh_token(&tokens))
        .await
        .unwrap();
    let made = text(&listed(&world, &tokens).await[0]);
    assert!(is_taken(&world, &made).await);

    world
        .token_server
        .revocation
        .revoke_client("bank")
        .await
        .unwrap();

    assert!(
        !is_taken(&world, &made).await,
        "it dies with what it rests on"
    );
}

async fn a_jwt_that_cannot_be_used_is_listed_without_text(database: Database) {
    let (world, _, tokens, made) = with_a_listed_jwt(database).await;
    let refresh_token = Some(secret(&refresh_token(&tokens)));
    let request = TokenInfoRequest {
        access_token: None,
        refresh_token,
        ..by_portal(&tokens)
    };

    world.set_status("1.0", VersionStatus::Disabled);
    assert!(!is_taken(&world, &made).await);
    assert_eq!(listed_for(&world, &request).await[0].get("token"), None);
    world.set_status("1.0", VersionStatus::LoginRegistration);

    assert!(
        is_taken(&world, &text(&listed_for(&world, &request).await[0])).await
            && is_taken(&world, &made).await
    );
}

async fn jwts_signed_by_others_are_refused(database: Database) {
    let (world, installation, tokens, made) = with_a_listed_jwt(database).await;
    let said = claims(&world.token_server, "at+jwt", &made).await;
    let mut forged = Vec::new();
    for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
        let key = SigningKey::generate(algorithm, &SystemRandom).unwrap();
        let by_another = key.sign("at+jwt", &said).unwrap();

        // With the `kid` of the server's key.
        let (body, head) = (
            by_another.split_once('.').unwrap().1,
            made.split('.').next().unwrap(),
        );
        forged.extend([format!("{head}.{body}"), by_another]);
    }

    for text in &forged {
        assert!(!is_taken(&world, text).await, "{text}");
        let credentials = installation.assertion(world.clock.now(), &json!({}));
        world
            .token_server
            .revocation
            .revoke(&RevocationRequest {
                credentials,
                token: secret(text),
            })
            .await
            .unwrap();
    }

    assert!(is_taken(&world, &made).await && is_taken(&world, tokens.access_token.expose()).await);
}

/// The server signs no other claims, so the test changes the row instead.
async fn a_jwt_that_differs_from_its_row_is_refused(database: Database) {
    let (world, _, tokens, made) = with_a_listed_jwt(database).await;
    let id = claims(&world.token_server, "at+jwt", &made).await["jti"]
        .as_str()
        .unwrap()
        .parse::<Uuid>()
        .unwrap();

    macro_rules! change {
        ($column:ident, $value:expr) => {{
            let id = id.as_bytes().to_vec();
            let change = move |connection: &mut Connection| {
                let row = access_tokens::table.find(id);
                let changed: QueryResult<usize> = diesel::update(row)
                    .set(access_tokens::$column.eq($value))
                    .execute(connection);
                Ok::<usize, WriteError<StoreError>>(changed?)
            };
            assert_eq!(world.store.write(change).await.unwrap(), 1);
        }};
    }

    let (issued_at, expires_at) = (
        world.clock.now().as_millis(),
        world.clock.now().as_millis() + 900_000,
    );

    macro_rules! assert_refused_with {
        ($column:ident, $other:expr, $right:expr) => {{
            assert!(is_taken(&world, &made).await);
            change!($column, $other);
            assert!(!is_taken(&world, &made).await, "{}", stringify!($column));
            change!($column, $right);
        }};
    }

    assert_refused_with!(scope, "device user openid", "device user");
    assert_refused_with!(scope, "device", "device user");
    assert_refused_with!(user_id, Some("bob"), Some("alice"));
    assert_refused_with!(issued_at, issued_at - 1000, issued_at);
    assert_refused_with!(expires_at, expires_at + 1000, expires_at);
    assert_refused_with!(signing_algorithm, None::<&str>, Some("ES256"));
    assert_refused_with!(signing_algorithm, Some("RS256"), Some("ES256"));

    change!(jkt, Some("a-thumbprint"));

    assert_eq!(
        introspect(&world, &[], &made).await,
        None,
        "it says nothing of a key"
    );

    let bound = text(&listed(&world, &tokens).await[0]);
    assert_eq!(
        claims(&world.token_server, "at+jwt", &bound).await["cnf"],
        json!({ "jkt": "a-thumbprint" })
    );

    assert!(introspect(&world, &[], &bound).await.is_some());

    assert_eq!(
        world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(&bound))
            .await,
        Err(BearerError::InvalidToken),
        "it needs its key"
    );

    change!(jkt, None::<&str>);
    assert!(is_taken(&world, &made).await && !is_taken(&world, &bound).await);
}

async fn a_jwt_for_an_api_is_listed_while_that_is_configured(database: Database) {
    let world = World::new(database);
    world.configure(with_apis);
    permit(&world, &[Permission::ListUsersOtherClients], &["bank"]);
    let installation = world.install().await;

    let wanted = Wanted {
        scope: "device user openid",
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

    let made = text(&listed(&world, &tokens).await[0]);
    let said = claims(&world.token_server, "at+jwt", &made).await;
    assert_eq!(
        said,
        claims(&world.token_server, "at+jwt", tokens.access_token.expose()).await
    );

    assert_eq!(
        (&said["aud"], &said["acr"]),
        (&json!("https://orders.example"), &json!("high"))
    );

    assert!(introspect(&world, &["orders"], &made).await.is_some());
    assert_eq!(introspect(&world, &["stock"], &made).await, None);

    assert_eq!(
        world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(&made))
            .await,
        Err(BearerError::InvalidToken)
    );

    world.configure(|settings| drop(settings.resource_servers.remove("orders")));

    assert_eq!(
        listed(&world, &tokens).await[0].get("token"),
        None,
        "nobody knows any more whom it is for"
    );

    assert_eq!(introspect(&world, &["orders"], &made).await, None);
}
