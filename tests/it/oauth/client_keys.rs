//! Keys of clients: of all types that are accepted, configured or published.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::ids::ClientId;
use countersign::jose::{ClientKey, PrivateJwk};
use countersign::oauth::{CLIENT_ASSERTION_TYPE, Credentials, PresentedCredentials};
use countersign::settings::ClientCredential;
use serde_json::{Value, json};

use crate::support::databases::{Database, on_both_databases};
use crate::support::listener::Listener;
use crate::support::sandbox::secret;
use crate::support::world::{ISSUER, World, credentials_by, new_key};

on_both_databases!(
    a_client_signs_with_a_key_of_any_accepted_type,
    a_client_rotates_the_keys_that_it_publishes,
);

fn configure(world: &World, credential: ClientCredential) {
    let keyed: ClientId = "keyed".parse().unwrap();
    world.configure(|settings| {
        let client = settings.api_clients.get_mut(&keyed).unwrap();
        Arc::make_mut(client).credentials = vec![credential];
    });
}

async fn is_known(world: &World, credentials: Credentials) -> bool {
    let clients = &world.token_server.clients;
    let client = clients.authenticate_api_client(&credentials).await;
    client.is_ok_and(|client| client.client_id.as_str() == "keyed")
}

/// An assertion of `keyed` whose header names `algorithm`.
fn assertion(world: &World, algorithm: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Credentials {
    let now = world.clock.now().as_secs();
    let jti: [u8; 16] = countersign::random::bytes(&countersign::random::SystemRandom);
    let claims = json!({
        "iss": "keyed", "sub": "keyed", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": format!("{jti:?}"),
    });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        encode(&json!({ "alg": algorithm })),
        encode(&claims)
    );
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));

    let presented = PresentedCredentials {
        client_assertion_type: Some(CLIENT_ASSERTION_TYPE.to_owned()),
        client_assertion: Some(secret(&format!("{signed}.{signature}"))),
        ..PresentedCredentials::default()
    };
    Credentials::from_request(presented).unwrap()
}

fn sign_rsa(pair: &RsaKeyPair, padding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), message, &mut signature)
        .unwrap();
    signature
}

async fn a_client_signs_with_a_key_of_any_accepted_type(database: Database) {
    let world = World::new(database);
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);

    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let (n, e) = (rsa.public_key().modulus(), rsa.public_key().exponent());
    let rsa_jwk = json!({
        "kty": "RSA", "alg": "PS256", "n": encode(n.big_endian_without_leading_zero()),
        "e": encode(e.big_endian_without_leading_zero()),
    });
    let rs256 = |message: &[u8]| sign_rsa(&rsa, &RSA_PKCS1_SHA256, message);
    let ps256 = |message: &[u8]| sign_rsa(&rsa, &RSA_PSS_SHA256, message);

    let ed25519 = Ed25519KeyPair::generate().unwrap();
    let ed25519_jwk =
        json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(ed25519.public_key().as_ref()) });
    let eddsa = |message: &[u8]| ed25519.sign(message).as_ref().to_vec();

    let key = |jwk: &Value| {
        let key = ClientKey::from_json(&jwk.to_string()).unwrap();
        ClientCredential::PublicKey(key.to_json().to_owned())
    };

    configure(&world, key(&rsa_jwk));
    assert!(is_known(&world, assertion(&world, "RS256", rs256)).await);
    assert!(is_known(&world, assertion(&world, "PS256", ps256)).await);
    // The key decides what a signature is, never the header.
    for algorithm in ["ES256", "EdDSA", "HS256", "none", "RS512", "PS256"] {
        let credentials = assertion(&world, algorithm, rs256);
        assert!(!is_known(&world, credentials).await, "{algorithm}");
    }
    let by_public_key = |_: &[u8]| rsa_jwk["n"].as_str().unwrap().as_bytes().to_vec();
    assert!(!is_known(&world, assertion(&world, "HS256", by_public_key)).await);

    configure(&world, key(&ed25519_jwk));
    assert!(is_known(&world, assertion(&world, "EdDSA", eddsa)).await);
    assert!(is_known(&world, assertion(&world, "Ed25519", eddsa)).await);
    assert!(!is_known(&world, assertion(&world, "ES256", eddsa)).await);
    assert!(!is_known(&world, assertion(&world, "RS256", rs256)).await);
    let other = Ed25519KeyPair::generate().unwrap();
    let by_other = |message: &[u8]| other.sign(message).as_ref().to_vec();
    assert!(!is_known(&world, assertion(&world, "EdDSA", by_other)).await);
}

fn publish(listener: &Listener, keys: &[&PrivateJwk]) {
    let keys: Vec<_> = keys.iter().map(|key| key.public()).collect();
    listener.answer(200, json!({ "keys": keys }).to_string());
}

async fn a_client_rotates_the_keys_that_it_publishes(database: Database) {
    let world = World::new(database);
    let publisher = Listener::start();
    let fetches = || publisher.requests().len();
    configure(&world, ClientCredential::KeysAt(publisher.address.clone()));

    let (first, second) = (new_key(), new_key());
    let by = |key: &PrivateJwk| credentials_by(key, "keyed", world.clock.now(), &json!({}));
    let later = |seconds| world.clock.advance(Duration::from_secs(seconds));

    // All at once: one fetch.
    publish(&publisher, &[&first]);
    let all = (0..8).map(|_| is_known(&world, by(&first)));
    assert_eq!(futures_util::future::join_all(all).await, [true; 8]);
    assert_eq!(fetches(), 1);

    // Whoever sends garbage does not have the keys fetched each time.
    for _ in 0..5 {
        assert!(!is_known(&world, by(&new_key())).await);
    }
    assert_eq!(fetches(), 1);

    // The next key is found as soon as it signs.
    publish(&publisher, &[&first, &second]);
    later(31);
    assert!(is_known(&world, by(&second)).await && is_known(&world, by(&first)).await);
    assert_eq!(fetches(), 2);

    // The one before is withdrawn without anybody signing.
    publish(&publisher, &[&second]);
    later(15 * 60);
    assert!(!is_known(&world, by(&first)).await && is_known(&world, by(&second)).await);
    assert_eq!(fetches(), 3);

    // While nothing is published the last keys go on for a while.
    for (status, body) in [(500, ""), (200, "<html>")] {
        publisher.answer(status, body);
        later(10 * 60);
        assert!(is_known(&world, by(&second)).await);
    }
    later(11 * 60);
    assert!(!is_known(&world, by(&second)).await);

    publish(&publisher, &[&second]);
    later(31);
    assert!(is_known(&world, by(&second)).await);
}
