//! JWT access tokens and ID tokens, and forgeries of both.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::clock::{Clock, Timestamp};
use countersign::jose::{SigningAlgorithm, SigningKey};
use countersign::oauth::{BearerError, OAuthError, PresentedToken, TokenRequest};
use countersign::random::SystemRandom;
use countersign::secret::sha256;
use serde_json::{Value, json};

use super::login::{begin, code, redeem};
use super::openid::{Wanted, claims, code_for, header, introspect, with_apis, with_jwts};
use super::refresh::{refresh_request, refresh_token};
use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{ISSUER, START, World, client_credentials, secret_of};

on_both_databases!(
    an_access_token_for_an_api_is_refused_elsewhere,
    a_jwt_expires_and_is_revoked_like_any_token,
    an_id_token_tells_who_logged_in,
    hostile_jwts_are_refused,
    a_client_cannot_put_claims_into_a_token,
    a_token_of_one_kind_is_refused_as_another,
    a_clock_off_by_an_hour_keeps_the_lifetime,
);

async fn an_access_token_for_an_api_is_refused_elsewhere(database: Database) {
    let world = World::new(database);
    world.configure(with_apis);
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

    let jwt = tokens.access_token.expose();
    assert_eq!(
        (header(jwt, "alg"), header(jwt, "typ"), tokens.expires_in),
        ("ES256".into(), "at+jwt".into(), 300)
    );

    let claims = claims(&world.token_server, "at+jwt", jwt).await;
    let seconds = world.clock.now().as_secs();
    let expected = json!({
        "iss": ISSUER, "sub": "alice", "aud": "https://orders.example", "client_id": installation.id(),
        "iat": seconds, "exp": seconds + 300, "jti": claims["jti"], "scope": "device user openid",
        "auth_time": seconds, "acr": "high", "amr": ["pwd"],
    });

    assert_eq!(claims, expected);
    let found = introspect(&world, &["orders"], jwt).await.unwrap();
    assert_eq!(json!(found.jti.to_string()), claims["jti"]);

    // It is not for this server itself.
    assert_eq!(
        world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(jwt))
            .await,
        Err(BearerError::InvalidToken)
    );

    let own = TokenRequest {
        resource: Some("https://orders.example".to_owned()),
        ..client_credentials(secret_of("web", "web secret"))
    };
    let own = world
        .token_server
        .grants
        .token(&own)
        .await
        .unwrap()
        .access_token;

    let claims = super::openid::claims(&world.token_server, "at+jwt", own.expose()).await;
    assert_eq!(
        (&claims["sub"], &claims["client_id"]),
        (&json!("web"), &json!("web"))
    );

    for absent in ["auth_time", "acr", "amr", "cnf"] {
        assert_eq!(claims.get(absent), None, "{absent}");
    }
}

async fn a_jwt_expires_and_is_revoked_like_any_token(database: Database) {
    let world = World::new(database);
    with_jwts(&world, SigningAlgorithm::Es256);
    let installation = world.install().await;
    let code = code(&world, &installation).await;
    let jwt = redeem(&world, &installation, &code)
        .await
        .unwrap()
        .access_token;
    assert_eq!(
        claims(&world.token_server, "at+jwt", jwt.expose()).await["aud"],
        ISSUER
    );

    world
        .token_server
        .bearers
        .authenticate(&PresentedToken::bearer(jwt.expose()))
        .await
        .unwrap();

    world
        .another_node()
        .bearers
        .authenticate(&PresentedToken::bearer(jwt.expose()))
        .await
        .unwrap();

    // A second use of the code revokes it, on all nodes.
    redeem(&world, &installation, &code).await.unwrap_err();

    for server in [&world.token_server, &world.another_node()] {
        assert_eq!(
            server
                .bearers
                .authenticate(&PresentedToken::bearer(jwt.expose()))
                .await,
            Err(BearerError::InvalidToken)
        );
    }

    let own = world
        .token_server
        .grants
        .token(&installation.device_token_request(world.clock.now()))
        .await
        .unwrap();

    world
        .token_server
        .bearers
        .authenticate(&PresentedToken::bearer(own.access_token.expose()))
        .await
        .unwrap();

    world.clock.advance(Duration::from_secs(own.expires_in));

    let late = world
        .token_server
        .bearers
        .authenticate(&PresentedToken::bearer(own.access_token.expose()))
        .await;

    assert_eq!(late, Err(BearerError::InvalidToken));
}

async fn an_id_token_tells_who_logged_in(database: Database) {
    let world = World::new(database);
    world.configure(|settings| super::refresh::bank(settings, |bank| bank.pin.enabled = false));
    let installation = world.install().await;
    let without = redeem(&world, &installation, &code(&world, &installation).await)
        .await
        .unwrap();
    assert_eq!(without.id_token, None, "nobody asked for it");

    let wanted = Wanted {
        scope: "device user openid",
        nonce: Some("n-0S6_WzA2Mj"),
        ..Wanted::default()
    };

    let tokens = redeem(
        &world,
        &installation,
        &code_for(&world, &installation, wanted).await,
    )
    .await
    .unwrap();

    let logged_in_at = world.clock.now().as_secs();
    let at_hash = |token: &str| URL_SAFE_NO_PAD.encode(&sha256(token.as_bytes())[..16]);
    let expected = json!({
        "iss": ISSUER, "sub": "alice", "aud": installation.id(), "iat": logged_in_at, "exp": logged_in_at + 900,
        "auth_time": logged_in_at, "nonce": "n-0S6_WzA2Mj", "acr": "high", "amr": ["pwd"],
        "at_hash": at_hash(tokens.access_token.expose()),
    });

    assert_eq!(
        claims(
            &world.token_server,
            "JWT",
            tokens.id_token.as_ref().unwrap()
        )
        .await,
        expected
    );

    world.clock.advance(Duration::from_secs(60));
    let request = refresh_request(&world, &installation, &refresh_token(&tokens));
    let refreshed = world.token_server.grants.token(&request).await.unwrap();
    let claims = claims(
        &world.token_server,
        "JWT",
        refreshed.id_token.as_ref().unwrap(),
    )
    .await;

    assert_eq!(
        (&claims["iat"], &claims["auth_time"]),
        (&json!(logged_in_at + 60), &json!(logged_in_at))
    );

    assert_eq!(
        (claims.get("nonce"), &claims["at_hash"]),
        (None, &json!(at_hash(refreshed.access_token.expose())))
    );
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// What an attacker makes of a genuine token is refused, and nothing breaks.
async fn hostile_jwts_are_refused(database: Database) {
    let world = World::new(database);
    with_jwts(&world, SigningAlgorithm::Es256);
    let installation = world.install().await;
    let tokens = redeem(&world, &installation, &code(&world, &installation).await)
        .await
        .unwrap();
    let good = tokens.access_token.expose();
    let [head, body, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let genuine = claims(&world.token_server, "at+jwt", good).await;
    let changed = |member: &str, value: Value| {
        let mut claims = genuine.clone();
        claims[member] = value;
        encode(&claims)
    };

    let exp = genuine["exp"].as_i64().unwrap();
    let mut bodies: Vec<String> = [
        ("exp", json!(exp + 86_400)),
        ("exp", json!(exp.to_string())),
        ("exp", json!(1e300)),
        ("exp", Value::Null),
        ("nbf", json!("0")),
        ("sub", json!("bob")),
        ("scope", json!("device user openid admin")),
        ("scope", json!(["device", "user"])),
        ("aud", json!([ISSUER, "https://evil.example"])),
        ("client_id", json!("portal")),
        ("jti", json!("01890000-0000-7000-8000-000000000000")),
        ("jti", json!("' OR 1=1 --")),
        ("jti", json!(["x"])),
        ("cnf", json!({ "jkt": "x" })),
        ("x", json!("x".repeat(9_000))),
    ]
    .into_iter()
    .map(|(member, value)| changed(member, value))
    .collect();

    let doubled = genuine.to_string().replacen('{', r#"{"sub":"bob","#, 1);
    bodies.extend([
        URL_SAFE_NO_PAD.encode(doubled),
        body.to_owned(),
        String::new(),
        encode(&json!([])),
    ]);

    let kid = header(good, "kid");
    let heads = [
        head.to_owned(),
        encode(&json!({ "alg": "none" })),
        encode(&json!({ "alg": "None", "typ": "at+jwt" })),
        encode(&json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid })),
        encode(&json!({ "alg": "RS256", "typ": "at+jwt", "kid": kid })),
        encode(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": "../../etc/passwd" })),
        encode(
            &json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid, "jku": "https://evil.example/keys" }),
        ),
        encode(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid, "crit": ["exp"] })),
        encode(&json!({ "alg": "ES256", "typ": "JWT", "kid": kid })),
    ];

    let attackers = SigningKey::generate(SigningAlgorithm::Es256, &SystemRandom).unwrap();
    let resigned = attackers.sign("at+jwt", &genuine).unwrap();
    let mut corpus = vec![
        resigned.clone(),
        format!("{good}="),
        format!("{good}."),
        format!(" {good}"),
        good.to_uppercase(),
    ];

    for head in &heads {
        for body in &bodies {
            for signature in [signature, "", resigned.rsplit('.').next().unwrap()] {
                corpus.push(format!("{head}.{body}.{signature}"));
            }
        }
    }

    corpus.retain(|text| text != good);
    assert!(corpus.len() > 500, "{}", corpus.len());

    for text in &corpus {
        let refused = world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(text))
            .await;

        assert_eq!(refused, Err(BearerError::InvalidToken), "{text}");
        assert_eq!(introspect(&world, &[], text).await, None, "{text}");
    }

    world
        .token_server
        .bearers
        .authenticate(&PresentedToken::bearer(good))
        .await
        .expect("the genuine one is not harmed");
}

/// M-18: whatever a client registers with, its tokens only say what the server knows.
async fn a_client_cannot_put_claims_into_a_token(database: Database) {
    let world = World::new(database);
    with_jwts(&world, SigningAlgorithm::Es256);

    let changes = json!({
        "sub": "alice", "iss": "https://evil.example", "aud": "https://evil.example", "scope": "device user admin",
        "amr": ["pin"], "acr": "high", "roles": ["admin"], "exp": 4_102_444_800_u64, "client_id": "portal",
        "cnf": { "jkt": "x" }, "device_name": "\",\"sub\":\"alice",
    });

    let installation = world.install_with(&changes).await;
    assert_ne!(installation.id().as_str(), "portal");

    let token = world
        .token_server
        .grants
        .token(&installation.device_token_request(world.clock.now()))
        .await
        .unwrap();

    let claims = claims(&world.token_server, "at+jwt", token.access_token.expose()).await;
    let seconds = world.clock.now().as_secs();
    let expected = json!({
        "iss": ISSUER, "sub": installation.id(), "aud": ISSUER, "client_id": installation.id(), "iat": seconds,
        "exp": seconds + 900, "jti": claims["jti"], "scope": "device",
    });
    assert_eq!(claims, expected);
}

/// Presents each kind of secret text wherever another kind is expected (M-08).
async fn a_token_of_one_kind_is_refused_as_another(database: Database) {
    let world = World::new(database);
    world.configure(|settings| super::refresh::bank(settings, |bank| bank.pin.enabled = false));
    let installation = world.install().await;

    let wanted = Wanted {
        scope: "device user openid",
        ..Wanted::default()
    };
    let tokens = redeem(
        &world,
        &installation,
        &code_for(&world, &installation, wanted).await,
    )
    .await
    .unwrap();

    let (access, refresh) = (
        tokens.access_token.expose().to_owned(),
        refresh_token(&tokens),
    );

    let id_token = tokens.id_token.unwrap();

    let (unused, challenge) = (
        code(&world, &installation).await,
        begin(&world, &installation).await,
    );

    let registration = installation.registration_token.expose().to_owned();
    let others = [&id_token, &unused, &challenge, &registration];
    for text in others.into_iter().chain([&refresh]) {
        let refused = world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(text))
            .await;

        assert_eq!(refused, Err(BearerError::InvalidToken), "{text}");
    }

    for text in others.into_iter().chain([&access]) {
        let request = refresh_request(&world, &installation, text);
        assert_eq!(
            world.token_server.grants.token(&request).await.err(),
            Some(OAuthError::InvalidGrant),
            "{text}"
        );
    }

    for text in [&id_token, &challenge, &registration, &access, &refresh] {
        assert_eq!(
            redeem(&world, &installation, text).await.err(),
            Some(OAuthError::InvalidGrant),
            "{text}"
        );

        assert!(
            world
                .token_server
                .logins
                .request(&format!("{text}x"))
                .await
                .is_err()
        );
    }

    for text in others {
        assert_eq!(introspect(&world, &[], text).await, None, "{text}");
    }

    for text in [&id_token, &unused, &registration, &access, &refresh] {
        assert!(
            world.token_server.logins.request(text).await.is_err(),
            "{text}"
        );
    }

    let swapped = TokenRequest {
        refresh_token: Some(secret(&refresh)),
        proof: Some(secret(&id_token)),
        ..refresh_request(&world, &installation, &refresh)
    };

    world
        .token_server
        .grants
        .token(&swapped)
        .await
        .expect("a proof that nobody asked for does no harm");
}

async fn a_clock_off_by_an_hour_keeps_the_lifetime(database: Database) {
    let world = World::new(database);
    with_jwts(&world, SigningAlgorithm::Es256);
    let installation = world.install().await;
    let token = world
        .token_server
        .grants
        .token(&installation.device_token_request(START))
        .await
        .unwrap()
        .access_token;

    let node_at = |millis| {
        world.another_node_at(Clock::manual(Timestamp::from_millis(
            START.as_millis() + millis,
        )))
    };

    node_at(-3_600_000)
        .bearers
        .authenticate(&PresentedToken::bearer(token.expose()))
        .await
        .expect("a node whose clock is behind still knows it");

    let ahead = node_at(3_600_000)
        .bearers
        .authenticate(&PresentedToken::bearer(token.expose()))
        .await;
    assert_eq!(
        ahead,
        Err(BearerError::InvalidToken),
        "for a node whose clock is ahead it has expired"
    );
}
