//! Tokens that can be used only by the holder of a key.

use std::time::Duration;

use countersign::clock::Timestamp;
use countersign::jose::PrivateJwk;
use countersign::jose::dpop::{self, DpopError, DpopExpectation};
use countersign::oauth::{
    BearerError, Credentials, OAuthError, PresentedToken, ProofRefusal, TokenRequest,
    TokenResponse, TokenType,
};
use countersign::random::SystemRandom;
use countersign::secret::SecretString;
use futures_util::future::join_all;
use serde_json::json;

use super::login::{REDIRECT_URI, VERIFIER, redeem, redeem_request};
use super::openid::{Wanted, claims, code_for, introspect, with_apis};
use super::refresh::{bank, refresh_token};
use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{ISSUER, Installation, World, client_credentials, new_key, secret_of};

on_both_databases!(
    a_bound_token_needs_its_key_with_every_request,
    a_proof_is_good_for_one_request,
    proofs_for_something_else_are_refused,
    a_client_can_be_required_to_bind_its_tokens,
    a_public_clients_refresh_token_is_bound_to_its_key,
    a_code_can_be_bound_to_a_key,
    a_bound_token_names_its_key,
);

const DOOR: &str = "/device/v1/transactions";

/// A proof for a request; with an access token, for one that presents it.
fn proof(
    key: &PrivateJwk,
    method: &str,
    path: &str,
    access_token: Option<&str>,
    now: Timestamp,
) -> SecretString {
    let (url, jti) = (
        format!("{ISSUER}{path}"),
        countersign::random::bytes::<16>(&SystemRandom),
    );
    let expected = DpopExpectation {
        method,
        url: &url,
        access_token,
        now,
    };

    SecretString::new(dpop::sign(key, &expected, &format!("{jti:?}"), None).unwrap())
}

fn at_token_endpoint(world: &World, key: &PrivateJwk) -> SecretString {
    proof(key, "POST", "/oauth/token", None, world.clock.now())
}

fn at_door<'a>(token: &'a str, proof: &'a SecretString) -> PresentedToken<'a> {
    let proof = Some(proof.expose());
    PresentedToken {
        scheme: TokenType::Dpop,
        text: token,
        proof,
        method: "GET",
        path: DOOR,
    }
}

/// A device's own token, bound to a key.
async fn bound(world: &World, installation: &Installation, key: &PrivateJwk) -> String {
    let request = TokenRequest {
        dpop: Some(at_token_endpoint(world, key)),
        ..installation.device_token_request(world.clock.now())
    };
    let response = world.token_server.grants.token(&request).await.unwrap();
    assert_eq!(response.token_type, TokenType::Dpop);

    response.access_token.expose().to_owned()
}

async fn a_bound_token_needs_its_key_with_every_request(database: Database) {
    let world = World::new(database);
    let (installation, key, now) = (world.install().await, new_key(), world.clock.now());
    let token = bound(&world, &installation, &key).await;
    let good = proof(&key, "GET", DOOR, Some(&token), now);
    let bearer = world
        .token_server
        .bearers
        .authenticate(&at_door(&token, &good))
        .await
        .unwrap();

    assert_eq!(&bearer.device_id, installation.id());
    let invalid = Err(BearerError::InvalidToken);
    assert_eq!(
        world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(&token))
            .await,
        invalid,
        "whoever has it is not enough"
    );

    let stolen = proof(&new_key(), "GET", DOOR, Some(&token), now);
    assert_eq!(
        world
            .token_server
            .bearers
            .authenticate(&at_door(&token, &stolen))
            .await,
        invalid
    );

    let without = PresentedToken {
        proof: None,
        ..at_door(&token, &good)
    };

    let missing = Err(BearerError::InvalidDpopProof(ProofRefusal::Missing));
    assert_eq!(
        world.token_server.bearers.authenticate(&without).await,
        missing
    );

    let request = installation.device_token_request(world.clock.now());
    let unbound = world
        .token_server
        .grants
        .token(&request)
        .await
        .unwrap()
        .access_token;

    let pretended = proof(&key, "GET", DOOR, Some(unbound.expose()), now);
    let refused = world
        .token_server
        .bearers
        .authenticate(&at_door(unbound.expose(), &pretended))
        .await;

    assert_eq!(
        refused, invalid,
        "a token that is not bound is not presented as if it were"
    );
}

async fn a_proof_is_good_for_one_request(database: Database) {
    let world = World::new(database);
    let (installation, key, now) = (world.install().await, new_key(), world.clock.now());
    let token = bound(&world, &installation, &key).await;
    let once = proof(&key, "GET", DOOR, Some(&token), now);
    let nodes = [world.token_server.clone(), world.another_node()];
    let attempts = (0..10).map(|index| {
        let (node, token, once) = (nodes[index % 2].clone(), token.clone(), once.clone());
        tokio::spawn(async move { node.bearers.authenticate(&at_door(&token, &once)).await })
    });
    let results: Vec<_> = join_all(attempts)
        .await
        .into_iter()
        .map(|result| result.unwrap())
        .collect();

    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let replayed = BearerError::InvalidDpopProof(ProofRefusal::Replayed);
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().err().is_none_or(|error| *error == replayed))
    );

    world.configure(with_apis);

    let request = TokenRequest {
        dpop: Some(at_token_endpoint(&world, &key)),
        ..client_credentials(secret_of("web", "web secret"))
    };
    world.token_server.grants.token(&request).await.unwrap();
    let again = world.token_server.grants.token(&request).await;
    assert_eq!(
        again.err(),
        Some(OAuthError::InvalidDpopProof(ProofRefusal::Replayed))
    );
}

async fn proofs_for_something_else_are_refused(database: Database) {
    let world = World::new(database);
    let (installation, key, now) = (world.install().await, new_key(), world.clock.now());
    let token = bound(&world, &installation, &key).await;
    let refused = async |proof: SecretString| {
        world
            .token_server
            .bearers
            .authenticate(&at_door(&token, &proof))
            .await
            .err()
    };

    let (early, late) = (
        now.before(Duration::from_secs(301)),
        now.after(Duration::from_secs(301)),
    );
    for (proof, expected) in [
        (
            proof(&key, "POST", DOOR, Some(&token), now),
            DpopError::Method,
        ),
        (
            proof(&key, "GET", "/device/v1/otp", Some(&token), now),
            DpopError::Url,
        ),
        (proof(&key, "GET", DOOR, None, now), DpopError::AccessToken),
        (
            proof(&key, "GET", DOOR, Some("another"), now),
            DpopError::AccessToken,
        ),
        (
            proof(&key, "GET", DOOR, Some(&token), early),
            DpopError::Expired,
        ),
        (
            proof(&key, "GET", DOOR, Some(&token), late),
            DpopError::NotYetValid,
        ),
    ] {
        assert_eq!(
            refused(proof).await,
            Some(BearerError::InvalidDpopProof(ProofRefusal::Invalid(
                expected
            )))
        );
    }

    for text in ["", "x", "a.b.c", &token] {
        let error = refused(secret(text)).await;
        assert!(
            matches!(
                error,
                Some(BearerError::InvalidDpopProof(ProofRefusal::Invalid(_)))
            ),
            "{text}"
        );
    }

    let hour = Duration::from_secs(3600);

    for (method, path, at) in [
        ("GET", "/oauth/token", now),
        ("POST", "/oauth/token/", now),
        ("POST", "/oauth/par", now),
        ("POST", "/oauth/token", now.before(hour)),
        ("POST", "/oauth/token", now.after(hour)),
    ] {
        let request = TokenRequest {
            dpop: Some(proof(&key, method, path, None, at)),
            ..installation.device_token_request(now)
        };
        let error = world.token_server.grants.token(&request).await.err();
        assert!(
            matches!(
                error,
                Some(OAuthError::InvalidDpopProof(ProofRefusal::Invalid(_)))
            ),
            "{method} {path}"
        );
    }
}

async fn a_client_can_be_required_to_bind_its_tokens(database: Database) {
    let world = World::new(database);
    world.configure(|settings| bank(settings, |bank| bank.tokens.dpop_bound_access_tokens = true));
    let installation = world.install().await;
    let request = installation.device_token_request(world.clock.now());
    let refused = world.token_server.grants.token(&request).await;
    assert_eq!(
        refused.err(),
        Some(OAuthError::InvalidDpopProof(ProofRefusal::Missing))
    );

    bound(&world, &installation, &new_key()).await;
}

/// A public web client's request to redeem a code.
fn public_request(world: &World, code: &str, key: Option<&PrivateJwk>) -> TokenRequest {
    let credentials = Credentials::Public {
        client_id: "public".to_owned(),
    };
    TokenRequest {
        code: Some(secret(code)),
        redirect_uri: Some(REDIRECT_URI.to_owned()),
        code_verifier: Some(secret(VERIFIER)),
        dpop: key.map(|key| at_token_endpoint(world, key)),
        ..TokenRequest::new(credentials, "authorization_code")
    }
}

async fn a_public_clients_refresh_token_is_bound_to_its_key(database: Database) {
    let world = World::new(database);
    world.configure(with_apis);
    let (installation, key) = (world.install().await, new_key());

    let wanted = || Wanted {
        scope: "openid orders",
        client_id: Some("public"),
        ..Wanted::default()
    };

    let code = code_for(&world, &installation, wanted()).await;
    let first = world
        .token_server
        .grants
        .token(&public_request(&world, &code, Some(&key)))
        .await
        .unwrap();

    assert!(first.id_token.is_some());

    let refresh = async |tokens: &TokenResponse, key: Option<&PrivateJwk>| {
        let credentials = Credentials::Public {
            client_id: "public".to_owned(),
        };
        let request = TokenRequest {
            refresh_token: Some(secret(&refresh_token(tokens))),
            dpop: key.map(|key| at_token_endpoint(&world, key)),
            ..TokenRequest::new(credentials, "refresh_token")
        };

        world.token_server.grants.token(&request).await
    };

    for thief in [None, Some(&new_key())] {
        assert_eq!(
            refresh(&first, thief).await.err(),
            Some(OAuthError::InvalidGrant)
        );
    }

    let second = refresh(&first, Some(&key))
        .await
        .expect("who has the key goes on");
    assert_eq!(second.token_type, TokenType::Dpop);
    let third = refresh(&second, Some(&key)).await.unwrap();
    assert!(
        introspect(&world, &[], third.access_token.expose())
            .await
            .unwrap()
            .jkt
            .is_some()
    );

    let unbound = code_for(&world, &installation, wanted()).await;
    let unbound = world
        .token_server
        .grants
        .token(&public_request(&world, &unbound, None))
        .await
        .unwrap();

    assert_eq!(unbound.token_type, TokenType::Bearer);

    refresh(&unbound, Some(&key))
        .await
        .expect("what is not bound may be bound later");
}

async fn a_code_can_be_bound_to_a_key(database: Database) {
    let world = World::new(database);
    let (installation, key) = (world.install().await, new_key());
    let wanted = || Wanted {
        scope: "device user",
        jkt: Some(key.public().thumbprint()),
        ..Wanted::default()
    };

    for other in [None, Some(new_key())] {
        let code = code_for(&world, &installation, wanted()).await;
        let with = |key: Option<&PrivateJwk>| TokenRequest {
            dpop: key.map(|key| at_token_endpoint(&world, key)),
            ..redeem_request(&world, &installation, &code)
        };

        let invalid = Some(OAuthError::InvalidGrant);
        assert_eq!(
            world
                .token_server
                .grants
                .token(&with(other.as_ref()))
                .await
                .err(),
            invalid
        );

        assert_eq!(
            world
                .token_server
                .grants
                .token(&with(Some(&key)))
                .await
                .err(),
            invalid,
            "it is burnt"
        );
    }

    let code = code_for(&world, &installation, wanted()).await;
    let request = TokenRequest {
        dpop: Some(at_token_endpoint(&world, &key)),
        ..redeem_request(&world, &installation, &code)
    };
    world.token_server.grants.token(&request).await.unwrap();

    let unbound = code_for(
        &world,
        &installation,
        Wanted {
            scope: "device user",
            ..Wanted::default()
        },
    )
    .await;

    redeem(&world, &installation, &unbound)
        .await
        .expect("a code that is not bound needs no key");
}

async fn a_bound_token_names_its_key(database: Database) {
    let world = World::new(database);
    world.configure(with_apis);
    let key = new_key();
    let request = TokenRequest {
        dpop: Some(at_token_endpoint(&world, &key)),
        resource: Some("https://orders.example".to_owned()),
        ..client_credentials(secret_of("web", "web secret"))
    };

    let token = world
        .token_server
        .grants
        .token(&request)
        .await
        .unwrap()
        .access_token;

    let jkt = key.public().thumbprint();
    assert_eq!(
        claims(&world.token_server, "at+jwt", token.expose()).await["cnf"],
        json!({ "jkt": jkt })
    );

    let found = introspect(&world, &["orders"], token.expose())
        .await
        .unwrap();
    assert_eq!(
        (found.token_type, found.jkt),
        (Some(TokenType::Dpop), Some(jkt))
    );
}
