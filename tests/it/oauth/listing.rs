//! Listing a user's tokens (OA4MP): who may list them, what is listed, and long lists in pieces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use countersign::oauth::{OAuthError, TokenInfoRequest, TokenResponse};
use countersign::settings::Permission;
use countersign::store::Store;
use countersign::store::journal::{Entry, Insert, Outcome};
use countersign::store::rows::{AccessTokenRow, GrantRow, RefreshTokenRow};
use serde_json::{Value, json};

use super::login::{code, redeem};
use super::refresh::{log_in, refresh, refresh_token};
use crate::support::databases::{Database, on_both_databases};
use crate::support::rows;
use crate::support::sandbox::secret;
use crate::support::world::{Installation, World, secret_of, user};

on_both_databases!(
    a_device_lists_its_own_tokens,
    an_administrator_lists_what_it_administers,
    the_presented_token_must_be_valid,
    revoked_tokens_are_not_listed,
    a_long_list_comes_in_pieces_and_whole,
    a_list_goes_on_while_tokens_are_revoked,
);

pub(super) const PORTAL: (&str, &str) = ("portal", "portal secret");

fn by_installation(
    world: &World,
    installation: &Installation,
    access_token: &str,
) -> TokenInfoRequest {
    let credentials = installation.assertion(world.clock.now(), &json!({}));
    TokenInfoRequest {
        credentials,
        access_token: Some(secret(access_token)),
        refresh_token: None,
    }
}

pub(super) fn by_portal(tokens: &TokenResponse) -> TokenInfoRequest {
    let access_token = Some(secret(tokens.access_token.expose()));
    TokenInfoRequest {
        credentials: secret_of(PORTAL.0, PORTAL.1),
        access_token,
        refresh_token: None,
    }
}

/// What the portal may do.
pub(super) fn permit(world: &World, permissions: &[Permission], administers: &[&str]) {
    world.configure(|settings| {
        let client = settings
            .api_clients
            .get_mut(&PORTAL.0.parse().unwrap())
            .unwrap();
        let client = Arc::make_mut(client);
        client.permissions = permissions.iter().copied().collect();
        client.administers = administers.iter().map(|&id| id.to_owned()).collect();
    });
}

/// The document, and the number of its pieces.
pub(super) async fn list(
    world: &World,
    request: &TokenInfoRequest,
) -> Result<(Value, usize), OAuthError> {
    let mut listing = world.token_server.listing.begin(request).await?;
    let (mut document, mut pieces) = (String::new(), 0);
    while let Some(piece) = listing.next().await.unwrap() {
        assert!(piece.len() < 500_000, "{}", piece.len());
        document += &piece;
        pieces += 1;
    }

    Ok((serde_json::from_str(&document).unwrap(), pieces))
}

/// The clients in a document, each with its tokens by kind.
fn counted(document: &Value) -> BTreeMap<String, (usize, usize)> {
    let mut clients = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for client in document["clients"].as_array().unwrap() {
        let mut count = (0, 0);
        for transaction in client["transactions"].as_array().unwrap() {
            assert!(ids.insert(transaction["code"].to_string()), "{transaction}");

            for token in transaction["tokens"].as_array().unwrap() {
                let (name, token) = token.as_object().unwrap().iter().next().unwrap();
                assert!(
                    ids.insert(token["jti"].to_string()),
                    "listed twice: {token}"
                );

                match name.as_str() {
                    "access_token" => count.0 += 1,
                    "refresh_token" => count.1 += 1,
                    other => panic!("{other}"),
                }
            }
        }

        let before = clients.insert(client["client_id"].as_str().unwrap().to_owned(), count);
        assert_eq!(before, None, "a client is there once");
    }

    clients
}

async fn a_device_lists_its_own_tokens(database: Database) {
    let (world, installation, first) = log_in(database).await;
    let other = world.install().await;
    let elsewhere = code(&world, &other).await;
    redeem(&world, &other, &elsewhere).await.unwrap();
    world.clock.advance(Duration::from_secs(1));

    let second = refresh(&world, &installation, &refresh_token(&first))
        .await
        .unwrap();
    let request = by_installation(&world, &installation, second.access_token.expose());
    let (document, _) = list(&world, &request).await.unwrap();
    assert_eq!(document["user_uid"], "alice");
    let own = (installation.id().to_string(), (2, 1));
    assert_eq!(counted(&document), [own.clone()].into());
    let listed = &document["clients"][0]["transactions"][0]["tokens"];
    let issued_at = crate::support::world::START.as_millis();
    let expected = |issued_at: i64, lifetime: i64, jti: &Value| json!({ "is_valid": true, "issued_at": issued_at, "lifetime": lifetime, "jti": jti });
    let [refreshing, one, other_one] = [0, 1, 2].map(|number| listed[number].clone());
    let month = 2_592_000_000;
    let refreshing = &refreshing["refresh_token"];
    assert_eq!(
        *refreshing,
        expected(issued_at + 1000, month, &refreshing["jti"])
    );

    assert_eq!(
        one["access_token"],
        expected(issued_at, 900_000, &one["access_token"]["jti"])
    );

    let newer = &other_one["access_token"];
    assert_eq!(*newer, expected(issued_at + 1000, 900_000, &newer["jti"]));

    world.clock.advance(Duration::from_millis(899_500));
    let request = by_installation(&world, &installation, second.access_token.expose());
    let (document, _) = list(&world, &request).await.unwrap();
    assert_eq!(
        document["clients"][0]["transactions"][0]["tokens"][1]["access_token"]["is_valid"],
        false
    );

    let by_refresh_token = TokenInfoRequest {
        access_token: None,
        refresh_token: Some(secret(&refresh_token(&second))),
        ..by_installation(&world, &installation, "")
    };

    assert_eq!(
        counted(&list(&world, &by_refresh_token).await.unwrap().0),
        [own].into()
    );
}

async fn an_administrator_lists_what_it_administers(database: Database) {
    let (world, installation, tokens) = log_in(database).await;
    insert(&world.store, "web", None, 1, 1).await;
    insert(&world.store, "other-web", None, 1, 1).await;
    let bank = (installation.id().to_string(), (1, 1));
    let (web, other) = (("web".to_owned(), (1, 1)), ("other-web".to_owned(), (1, 1)));
    let [own, all] = [Permission::ListUsers, Permission::ListUsersOtherClients];
    for (permissions, administers, expected) in [
        (&[][..], &["bank"][..], Err("insufficient_permissions")),
        (
            &[Permission::Admin],
            &["bank"],
            Err("insufficient_permissions"),
        ),
        (&[own], &[], Err("unauthorized_client")),
        (&[own], &["web"], Err("unauthorized_client")),
        (&[all], &["web"], Err("unauthorized_client")),
        (&[own], &["bank"], Ok([bank.clone()].into())),
        (
            &[own],
            &["bank", "web"],
            Ok([bank.clone(), web.clone()].into()),
        ),
        (&[all], &["bank"], Ok([bank, web, other].into())),
    ] {
        permit(&world, permissions, administers);
        let listed = list(&world, &by_portal(&tokens)).await;
        let listed = listed
            .map(|(document, _)| counted(&document))
            .map_err(OAuthError::code);
        assert_eq!(listed, expected, "{permissions:?} {administers:?}");
    }

    let wrong = TokenInfoRequest {
        credentials: secret_of(PORTAL.0, "wrong"),
        ..by_portal(&tokens)
    };
    assert_eq!(
        list(&world, &wrong).await.err(),
        Some(OAuthError::InvalidClient)
    );
}

async fn the_presented_token_must_be_valid(database: Database) {
    let (world, installation, tokens) = log_in(database).await;
    permit(&world, &[Permission::ListUsers], &["bank"]);
    let other = world.install().await;

    let own = world
        .token_server
        .grants
        .token(&installation.device_token_request(world.clock.now()))
        .await
        .unwrap();

    let access = |token: &str| TokenInfoRequest {
        access_token: Some(secret(token)),
        ..by_portal(&tokens)
    };

    let refreshing = |token: &str| TokenInfoRequest {
        access_token: None,
        refresh_token: Some(secret(token)),
        ..by_portal(&tokens)
    };

    let good = refresh_token(&tokens);
    for request in [
        access("x"),
        access(&good),
        access(own.access_token.expose()),
        refreshing("x"),
        refreshing(tokens.access_token.expose()),
        by_installation(&world, &other, tokens.access_token.expose()),
    ] {
        assert_eq!(
            list(&world, &request).await.err(),
            Some(OAuthError::InvalidGrant),
            "{request:?}"
        );
    }

    let both = TokenInfoRequest {
        refresh_token: Some(secret(&good)),
        ..by_portal(&tokens)
    };

    let neither = TokenInfoRequest {
        access_token: None,
        ..by_portal(&tokens)
    };
    for request in [both, neither] {
        assert!(matches!(
            list(&world, &request).await.err(),
            Some(OAuthError::InvalidRequest(_))
        ));
    }

    list(&world, &refreshing(&good)).await.expect("it is valid");
    world.clock.advance(Duration::from_secs(900));

    assert_eq!(
        list(&world, &by_portal(&tokens)).await.err(),
        Some(OAuthError::InvalidGrant),
        "expired"
    );

    refresh(&world, &installation, &good).await.unwrap();
    world.clock.advance(Duration::from_secs(11));

    assert_eq!(
        list(&world, &refreshing(&good)).await.err(),
        Some(OAuthError::InvalidGrant),
        "used before"
    );
}

async fn revoked_tokens_are_not_listed(database: Database) {
    let (world, installation, _) = log_in(database).await;
    permit(&world, &[Permission::ListUsersOtherClients], &["bank"]);
    insert(&world.store, "web", None, 3, 2).await;

    world
        .token_server
        .revocation
        .revoke_client("bank")
        .await
        .unwrap();

    let code = code(&world, &installation).await;
    let tokens = redeem(&world, &installation, &code).await.unwrap();
    let (document, _) = list(&world, &by_portal(&tokens)).await.unwrap();

    let expected = [
        (installation.id().to_string(), (1, 1)),
        ("web".to_owned(), (6, 3)),
    ];
    assert_eq!(counted(&document), expected.into());
}

async fn a_long_list_comes_in_pieces_and_whole(database: Database) {
    let (world, installation, tokens) = log_in(database).await;
    permit(&world, &[Permission::ListUsersOtherClients], &["bank"]);

    // Many grants, grants with many tokens, and both around the ends of pages; capitals and small
    // letters, which databases do not all order alike.
    for (client, grants, per_grant) in [
        ("B", 3, 700),
        ("a", 1100, 1),
        ("C", 2, 500),
        ("c", 1, 0),
        ("d", 40, 30),
    ] {
        insert(&world.store, client, None, grants, per_grant).await;
    }

    let (document, pieces) = list(&world, &by_portal(&tokens)).await.unwrap();

    let expected = [
        (installation.id().to_string(), (1, 1)),
        ("B".to_owned(), (2100, 3)),
        ("a".to_owned(), (1100, 1100)),
        ("C".to_owned(), (1000, 2)),
        ("c".to_owned(), (0, 1)),
        ("d".to_owned(), (1200, 40)),
    ];

    assert_eq!(counted(&document), expected.into());
    assert!(pieces >= 10, "{pieces}");
}

async fn a_list_goes_on_while_tokens_are_revoked(database: Database) {
    let (world, _, tokens) = log_in(database).await;
    permit(&world, &[Permission::ListUsersOtherClients], &["bank"]);
    insert(&world.store, "web", None, 2, 1200).await;

    let mut listing = world
        .token_server
        .listing
        .begin(&by_portal(&tokens))
        .await
        .unwrap();

    let mut document = listing.next().await.unwrap().unwrap();

    world
        .token_server
        .revocation
        .revoke_user(&user("alice"))
        .await
        .unwrap();

    while let Some(piece) = listing.next().await.unwrap() {
        document += &piece;
    }

    let document: Value = serde_json::from_str(&document).unwrap();
    assert!(
        counted(&document)
            .values()
            .map(|(access, _)| access)
            .sum::<usize>()
            <= 500
    );
}

/// Gives Alice so many grants at a client, each with a refresh token and so many access tokens.
pub(crate) async fn insert(
    store: &Store,
    client: &str,
    application: Option<&str>,
    grants: usize,
    per_grant: usize,
) {
    let now = crate::support::world::START.as_millis();
    let new_id = || countersign::random::bytes::<16>(&countersign::random::SystemRandom).to_vec();
    let mut inserts = Vec::new();
    for _ in 0..grants {
        let grant = GrantRow {
            id: new_id(),
            client_id: client.to_owned(),
            application_id: application.map(str::to_owned),
            scope: "openid".to_owned(),
            expires_at: now + 1_000_000_000,
            ..rows::grant("alice")
        };

        let family = RefreshTokenRow {
            id: new_id(),
            ..rows::refresh_token(&grant)
        };

        let token = |_| AccessTokenRow {
            id: new_id(),
            token_hash: None,
            expires_at: now + 900_000,
            ..rows::access_token(Some(&grant))
        };

        inserts.push(Insert::from(grant.clone()));
        inserts.push(Insert::from(family));
        inserts.extend((0..per_grant).map(token).map(Insert::from));
    }

    let outcome = store
        .commit(Entry {
            inserts,
            ..Entry::default()
        })
        .await
        .unwrap();

    assert_eq!(outcome, Outcome::Committed);
}
