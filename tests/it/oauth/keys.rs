//! The keys the server signs with.

use std::time::Duration;

use countersign::clock::Clock;
use countersign::jose::SigningAlgorithm;
use countersign::oauth::{RotatedKey, TokenServer, rotate_signing_keys};
use countersign::store::queries::signing_keys::load_signing_keys;
use countersign::store::schema::events;
use diesel::prelude::*;
use futures_util::future::join_all;

use super::openid::{claims, header, with_jwts};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{START, World};

on_both_databases!(
    a_key_is_made_when_it_is_first_needed,
    servers_that_start_at_once_sign_with_one_key,
    a_key_is_rotated_and_retired,
    a_client_has_its_tokens_signed_with_rsa,
    an_administrator_has_keys_rotated,
    keys_are_sealed_at_rest,
    a_server_whose_clock_is_off_still_signs,
);

const DAY: Duration = Duration::from_secs(86_400);

/// The ids of the published keys for `ES256`.
async fn kids(server: &TokenServer) -> Vec<String> {
    let keys = server.keys.published().await.unwrap();
    keys.iter()
        .filter(|key| key["alg"] == "ES256")
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

async fn a_key_is_made_when_it_is_first_needed(database: Database) {
    let world = World::new(database);
    assert_eq!(world.store.read(load_signing_keys).await.unwrap(), []);
    let keys = world.token_server.keys.published().await.unwrap();
    assert_eq!(keys.len(), 2);

    for (alg, members) in [
        ("ES256", [("kty", "EC"), ("crv", "P-256"), ("use", "sig")]),
        ("RS256", [("kty", "RSA"), ("e", "AQAB"), ("use", "sig")]),
    ] {
        let key = keys.iter().find(|key| key["alg"] == alg).unwrap();
        for (member, value) in members {
            assert_eq!(key[member], value);
        }

        assert!(
            key.get("d").is_none(),
            "the private part is nobody's business"
        );
    }

    assert_eq!(world.token_server.keys.published().await.unwrap(), keys);
    assert_eq!(world.another_node().keys.published().await.unwrap(), keys);
}

async fn servers_that_start_at_once_sign_with_one_key(database: Database) {
    let world = World::new(database);
    let servers: Vec<TokenServer> = (0..8).map(|_| world.another_node()).collect();
    let started = servers.iter().map(|server| {
        let server = server.clone();
        tokio::spawn(async move { kids(&server).await })
    });
    let all: Vec<Vec<String>> = join_all(started)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();

    assert_eq!(all[0].len(), 1);
    assert!(all.iter().all(|kids| *kids == all[0]), "{all:?}");
}

async fn a_key_is_rotated_and_retired(database: Database) {
    let world = World::new(database);
    with_jwts(&world, SigningAlgorithm::Es256);
    let installation = world.install().await;
    let token = async || {
        let request = installation.device_token_request(world.clock.now());
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

    // Replaced settings have the keys read again, as the background task does every ten seconds.
    let look = || world.configure(|_| ());
    let first = header(&token().await, "kid");

    world.clock.advance(DAY * 90 - Duration::from_millis(1));
    look();
    assert_eq!(kids(&world.token_server).await, [first.as_str()]);
    world.clock.advance(Duration::from_millis(1));
    look();
    let both = kids(&world.token_server).await;
    let [same, second] = both.as_slice() else {
        panic!("a successor is published at once: {both:?}")
    };
    assert_eq!(
        (same, header(&token().await, "kid")),
        (&first, first.clone()),
        "the first still signs"
    );

    let other_node = world.another_node();
    assert_eq!(kids(&other_node).await, both);

    world.clock.advance(DAY - Duration::from_secs(1));
    let last = token().await;
    assert_eq!(header(&last, "kid"), first);
    world.clock.advance(Duration::from_secs(1));

    assert_eq!(
        header(&token().await, "kid"),
        *second,
        "a day later the successor signs"
    );

    claims(&world.token_server, "at+jwt", &last).await;

    world.clock.advance(DAY - Duration::from_millis(1));
    look();

    assert_eq!(
        kids(&world.token_server).await,
        both,
        "the longest token may still be alive"
    );

    world.clock.advance(Duration::from_millis(1));
    look();
    assert_eq!(kids(&world.token_server).await, [second.as_str()]);

    assert_eq!(
        world.store.read(load_signing_keys).await.unwrap().len(),
        2,
        "of each algorithm, the first is gone"
    );

    let count = |connection: &mut _| {
        events::table
            .filter(events::event_type.eq("JWT_KEYS_ROTATED"))
            .count()
            .get_result::<i64>(connection)
    };

    assert_eq!(world.store.read(count).await.unwrap(), 2);
}

async fn a_client_has_its_tokens_signed_with_rsa(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    with_jwts(&world, SigningAlgorithm::Rs256);

    let request = installation.device_token_request(world.clock.now());
    let token = world.token_server.grants.token(&request).await.unwrap();
    let token = token.access_token;
    assert_eq!(header(token.expose(), "alg"), "RS256");

    assert_eq!(
        claims(&world.token_server, "at+jwt", token.expose()).await["sub"],
        installation.id().as_str()
    );
}

async fn an_administrator_has_keys_rotated(database: Database) {
    let world = World::new(database);
    with_jwts(&world, SigningAlgorithm::Es256);
    let installation = world.install().await;
    let signed_by = async || {
        let request = installation.device_token_request(world.clock.now());
        let issued = world.token_server.grants.token(&request).await.unwrap();
        header(issued.access_token.expose(), "kid")
    };
    let first = signed_by().await;
    let look = || world.configure(|_| ());
    let es256 = |rotated: Vec<RotatedKey>| {
        let mut rotated = rotated.into_iter();
        let key = rotated.find(|key| key.algorithm == SigningAlgorithm::Es256);
        key.unwrap()
    };

    // In time: everybody has read the successor before it signs.
    let successor = es256(rotate_signing_keys(&world.base(), false).await.unwrap());
    assert_eq!(successor.active_from, world.clock.now().after(DAY));
    look();
    assert_eq!(signed_by().await, first);
    assert_eq!(
        kids(&world.token_server).await,
        [first.clone(), successor.kid.clone()]
    );

    // At once: what may be known to others is gone, what was meant to follow too.
    let replacement = es256(rotate_signing_keys(&world.base(), true).await.unwrap());
    assert_eq!(replacement.active_from, world.clock.now());
    look();
    assert_eq!(signed_by().await, replacement.kid);
    assert_eq!(kids(&world.token_server).await, [replacement.kid]);
}

async fn keys_are_sealed_at_rest(database: Database) {
    let world = World::new(database);
    world.token_server.keys.published().await.unwrap();
    let rows = world.store.read(load_signing_keys).await.unwrap();

    for algorithm in SigningAlgorithm::ALL {
        let opened = countersign::jose::SigningKey::from_pkcs8(algorithm, &rows[0].private_key);
        assert!(opened.is_err(), "{algorithm}");
    }
}

async fn a_server_whose_clock_is_off_still_signs(database: Database) {
    let world = World::new(database);
    with_jwts(&world, SigningAlgorithm::Es256);
    let installation = world.install().await;
    let first = kids(&world.token_server).await;

    for millis in [-3_600_000, 3_600_000] {
        let clock = Clock::manual(countersign::clock::Timestamp::from_millis(
            START.as_millis() + millis,
        ));
        let node = world.another_node_at(clock.clone());
        let token = node
            .grants
            .token(&installation.device_token_request(clock.now()))
            .await
            .unwrap()
            .access_token;

        assert_eq!(vec![header(token.expose(), "kid")], first);
    }
}
