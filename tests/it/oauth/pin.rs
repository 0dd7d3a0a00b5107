//! Refresh tokens that an authenticator protects: the proofs they take, and how often a PIN can be
//! guessed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::devices::{AuthenticatorName, CHANGE_PROOF_TYPE, ProofError, REFRESH_PROOF_TYPE};
use countersign::jose::{PrivateJwk, jws};
use countersign::oauth::{OAuthError, PresentedToken, TokenRequest, TokenResponse, TokenServer};
use countersign::secret::sha256;
use serde_json::{Value, json};

use super::login::{code, redeem};
use super::refresh::{bank, is_alive, refresh_request, refresh_token};
use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{Installation, World, new_key, user};

on_both_databases!(
    a_token_without_a_pin_can_only_be_bound_to_one,
    binding_again_gives_the_same_token,
    a_pin_token_is_refreshed_with_a_proof,
    a_log_in_or_a_proof_of_the_pin_is_fresh_for_a_while,
    a_malformed_proof_costs_no_attempt,
    the_last_wrong_pin_disconnects_the_user,
    a_right_pin_resets_the_failures,
    wrong_pins_count_on_all_nodes_together,
    parallel_guesses_are_bounded_by_the_attempts,
    another_client_cannot_use_up_the_attempts,
    a_fingerprint_has_a_token_of_its_own,
    without_a_limit_wrong_pins_never_disconnect,
    with_pins_a_login_must_be_bound_to_one_first,
    a_pin_set_over_another_has_no_refresh_token,
    a_changed_pin_keeps_the_refresh_token,
    the_same_pin_again_changes_nothing,
    a_pin_that_was_removed_leaves_nothing_to_guess_at,
    a_pin_that_ended_with_its_enrolment_leaves_nothing_to_guess_at,
);

/// A user who has logged in, enrolled and set a PIN.
struct Pinned {
    world: World,
    installation: Installation,
    pin: PrivateJwk,
    /// From the login.
    first: TokenResponse,
    /// Bound to the PIN.
    bound: TokenResponse,
}

impl Pinned {
    async fn new(database: Database) -> Self {
        let world = World::new(database);
        world.configure(|settings| bank(settings, |bank| bank.fingerprint.enabled = true));
        let installation = world.install_and_enrol(&user("alice")).await;
        let code = code(&world, &installation).await;
        let first = redeem(&world, &installation, &code).await.unwrap();
        let pin = new_key();
        set_key(&world, &installation, AuthenticatorName::Pin, &pin).await;

        let bound = bind(&world, &installation, &refresh_token(&first), None, "pin")
            .await
            .unwrap();

        Self {
            world,
            installation,
            pin,
            first,
            bound,
        }
    }

    fn request(&self, token: &str, key: &PrivateJwk) -> TokenRequest {
        let proof = proof(
            key,
            &json!({ "refresh_token_hash": hash(token), "iat": self.world.clock.now().as_secs() }),
        );
        TokenRequest {
            proof: Some(secret(&proof)),
            ..refresh_request(&self.world, &self.installation, token)
        }
    }

    async fn refresh_at(
        &self,
        server: &TokenServer,
        token: &str,
        key: &PrivateJwk,
    ) -> Result<TokenResponse, OAuthError> {
        server.grants.token(&self.request(token, key)).await
    }

    async fn refresh(&self, token: &str, key: &PrivateJwk) -> Result<TokenResponse, OAuthError> {
        self.refresh_at(&self.world.token_server, token, key).await
    }
}

async fn set_key(
    world: &World,
    installation: &Installation,
    name: AuthenticatorName,
    key: &PrivateJwk,
) {
    world
        .devices
        .set_authenticator(installation.id(), &user("alice"), &name, *key.public())
        .await
        .unwrap();
}

async fn bind(
    world: &World,
    installation: &Installation,
    token: &str,
    proof: Option<&str>,
    authenticator: &str,
) -> Result<TokenResponse, OAuthError> {
    let request = TokenRequest {
        authenticator: Some(authenticator.to_owned()),
        proof: proof.map(secret),
        ..refresh_request(world, installation, token)
    };

    world.token_server.grants.token(&request).await
}

fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(token.as_bytes()))
}

fn proof(key: &PrivateJwk, claims: &Value) -> String {
    jws::sign(key, Some(REFRESH_PROOF_TYPE), claims.to_string().as_bytes()).unwrap()
}

fn wrong_pin(attempts_left: Option<u32>) -> Option<OAuthError> {
    Some(OAuthError::InvalidProof {
        error: ProofError::Signature,
        attempts_left,
    })
}

async fn a_token_without_a_pin_can_only_be_bound_to_one(database: Database) {
    let world = World::new(database);
    let installation = world.install_and_enrol(&user("alice")).await;
    let code = code(&world, &installation).await;
    let first = redeem(&world, &installation, &code).await.unwrap();
    let token = refresh_token(&first);
    let plain = world
        .token_server
        .grants
        .token(&refresh_request(&world, &installation, &token))
        .await;

    assert_eq!(plain.err(), Some(OAuthError::UnboundRefreshToken));
    let too_early = bind(&world, &installation, &token, None, "pin").await;
    assert_eq!(
        too_early.err(),
        Some(OAuthError::AuthenticatorGone),
        "no PIN is set"
    );

    for name in ["default", "device", "PIN", "custom:"] {
        let error = bind(&world, &installation, &token, None, name).await.err();
        assert!(
            matches!(error, Some(OAuthError::InvalidRequest(_))),
            "{name}"
        );
    }

    set_key(&world, &installation, AuthenticatorName::Pin, &new_key()).await;
    world.clock.advance(Duration::from_secs(900));
    let too_late = bind(&world, &installation, &token, None, "pin").await;
    assert_eq!(too_late.err(), Some(OAuthError::InvalidGrant));
}

async fn binding_again_gives_the_same_token(database: Database) {
    let pinned = Pinned::new(database).await;
    let again = bind(
        &pinned.world,
        &pinned.installation,
        &refresh_token(&pinned.first),
        None,
        "pin",
    )
    .await
    .unwrap();

    assert_eq!(refresh_token(&again), refresh_token(&pinned.bound));
    assert_ne!(refresh_token(&again), refresh_token(&pinned.first));
}

async fn a_pin_token_is_refreshed_with_a_proof(database: Database) {
    let pinned = Pinned::new(database).await;
    let second = pinned
        .refresh(&refresh_token(&pinned.bound), &pinned.pin)
        .await
        .unwrap();
    assert!(is_alive(&pinned.world.token_server, &second).await);

    let third = pinned
        .refresh(&refresh_token(&second), &pinned.pin)
        .await
        .unwrap();

    let lost = pinned
        .refresh(&refresh_token(&second), &pinned.pin)
        .await
        .unwrap();
    assert_eq!(
        refresh_token(&third),
        refresh_token(&lost),
        "a lost answer is given again, with a proof"
    );
}

async fn a_log_in_or_a_proof_of_the_pin_is_fresh_for_a_while(database: Database) {
    let pinned = Pinned::new(database).await;
    let (bearers, clock) = (&pinned.world.token_server.bearers, &pinned.world.clock);
    let five_minutes = Duration::from_secs(300);
    let is_fresh = async |tokens: &TokenResponse| {
        let presented = PresentedToken::bearer(tokens.access_token.expose());
        let log_in = bearers.authenticate(&presented).await.unwrap().log_in;
        let fresh = bearers.is_fresh(&log_in.unwrap(), five_minutes).await;
        fresh.unwrap()
    };

    clock.advance(five_minutes);
    assert!(is_fresh(&pinned.bound).await);
    clock.advance(Duration::from_millis(1));
    assert!(
        !is_fresh(&pinned.bound).await,
        "binding the PIN took no proof of it"
    );

    let token = refresh_token(&pinned.bound);
    let refreshed = pinned.refresh(&token, &pinned.pin);
    let refreshed = refreshed.await.unwrap();
    assert!(is_fresh(&refreshed).await);
    clock.advance(five_minutes);
    assert!(is_fresh(&refreshed).await);
    clock.advance(Duration::from_millis(1));
    assert!(!is_fresh(&refreshed).await);
}

async fn a_malformed_proof_costs_no_attempt(database: Database) {
    let pinned = Pinned::new(database).await;
    let token = refresh_token(&pinned.bound);
    let now = pinned.world.clock.now().as_secs();

    let claims = |hash: String, iat: i64| {
        proof(
            &new_key(),
            &json!({ "refresh_token_hash": hash, "iat": iat }),
        )
    };

    let none = TokenRequest {
        proof: None,
        ..pinned.request(&token, &pinned.pin)
    };
    assert!(matches!(
        pinned.world.token_server.grants.token(&none).await,
        Err(OAuthError::InvalidRequest(_))
    ));

    for (text, error) in [
        ("garbage".to_owned(), ProofError::Malformed),
        (claims(hash("another"), now), ProofError::OtherToken),
        (claims(hash(&token), now - 301), ProofError::Stale),
        (claims(hash(&token), now + 61), ProofError::Stale),
    ] {
        for _ in 0..3 {
            let request = TokenRequest {
                proof: Some(secret(&text)),
                ..pinned.request(&token, &pinned.pin)
            };
            let result = pinned.world.token_server.grants.token(&request).await;
            assert_eq!(
                result.err(),
                Some(OAuthError::InvalidProof {
                    error,
                    attempts_left: None
                }),
                "{text}"
            );
        }
    }

    pinned
        .refresh(&token, &pinned.pin)
        .await
        .expect("no try was used up");
}

async fn the_last_wrong_pin_disconnects_the_user(database: Database) {
    let pinned = Pinned::new(database).await;
    let (token, other) = (refresh_token(&pinned.bound), new_key());
    assert_eq!(
        pinned.refresh(&token, &other).await.err(),
        wrong_pin(Some(2))
    );

    assert_eq!(
        pinned.refresh(&token, &other).await.err(),
        wrong_pin(Some(1))
    );

    assert!(is_alive(&pinned.world.token_server, &pinned.first).await);

    assert_eq!(
        pinned.refresh(&token, &other).await.err(),
        Some(OAuthError::UserDisconnected)
    );

    let (world, id) = (&pinned.world, pinned.installation.id());

    assert_eq!(
        pinned.refresh(&token, &pinned.pin).await.err(),
        Some(OAuthError::InvalidGrant)
    );

    for tokens in [&pinned.first, &pinned.bound] {
        assert!(!is_alive(&world.token_server, tokens).await);
    }

    assert_eq!(
        world.devices.enrolment(id, &user("alice")).await.unwrap(),
        None
    );

    world
        .token_server
        .grants
        .token(&pinned.installation.device_token_request(world.clock.now()))
        .await
        .expect("the device stays");

    let events = world.events_of(&user("alice")).await;
    assert!(
        events.contains(&"PUSH_AUTH_VALIDATION_PIN_LIMIT_EXCEEDED".to_owned()),
        "{events:?}"
    );
}

async fn a_right_pin_resets_the_failures(database: Database) {
    let pinned = Pinned::new(database).await;
    let other = new_key();
    let mut token = refresh_token(&pinned.bound);

    for _ in 0..3 {
        assert_eq!(
            pinned.refresh(&token, &other).await.err(),
            wrong_pin(Some(2))
        );

        assert_eq!(
            pinned.refresh(&token, &other).await.err(),
            wrong_pin(Some(1))
        );

        token = refresh_token(&pinned.refresh(&token, &pinned.pin).await.unwrap());
    }
}

async fn wrong_pins_count_on_all_nodes_together(database: Database) {
    let pinned = Pinned::new(database).await;
    let (token, other) = (refresh_token(&pinned.bound), new_key());

    let nodes = [
        pinned.world.another_node(),
        pinned.world.another_node(),
        pinned.world.another_node(),
    ];

    assert_eq!(
        pinned.refresh_at(&nodes[0], &token, &other).await.err(),
        wrong_pin(Some(2))
    );

    assert_eq!(
        pinned.refresh_at(&nodes[1], &token, &other).await.err(),
        wrong_pin(Some(1))
    );

    let last = pinned.refresh_at(&nodes[2], &token, &other).await;
    assert_eq!(last.err(), Some(OAuthError::UserDisconnected));
}

async fn parallel_guesses_are_bounded_by_the_attempts(database: Database) {
    let pinned = Pinned::new(database).await;
    let token = refresh_token(&pinned.bound);

    let nodes = [
        pinned.world.token_server.clone(),
        pinned.world.another_node(),
    ];

    let wrong = new_key();
    let guesses = (0..30).map(|number| {
        let request = pinned.request(&token, if number == 25 { &pinned.pin } else { &wrong });
        let server = nodes[number % 2].clone();
        tokio::spawn(async move { server.grants.token(&request).await.err() })
    });

    let results: Vec<_> = futures_util::future::join_all(guesses)
        .await
        .into_iter()
        .map(|result| result.unwrap())
        .collect();

    let looked_at = results.iter().filter(|result| {
        // The last wrong proof is told of the disconnection, as are all that were not verified.
        matches!(result, None | Some(OAuthError::InvalidProof { .. }))
    });
    assert!(looked_at.count() <= 3, "{results:?}");

    if results.iter().all(Option::is_some) {
        assert!(!is_alive(&pinned.world.token_server, &pinned.bound).await);
    }
}

async fn another_client_cannot_use_up_the_attempts(database: Database) {
    let pinned = Pinned::new(database).await;
    let (token, other) = (refresh_token(&pinned.bound), pinned.world.install().await);
    let replayed = pinned.request(&token, &new_key());

    for _ in 0..5 {
        let by_other = TokenRequest {
            credentials: other.assertion(pinned.world.clock.now(), &json!({})),
            ..pinned.request(&token, &new_key())
        };
        assert_eq!(
            pinned
                .world
                .token_server
                .grants
                .token(&by_other)
                .await
                .err(),
            Some(OAuthError::InvalidGrant)
        );
    }

    assert_eq!(
        pinned
            .world
            .token_server
            .grants
            .token(&replayed)
            .await
            .err(),
        wrong_pin(Some(2))
    );

    for _ in 0..5 {
        assert_eq!(
            pinned
                .world
                .token_server
                .grants
                .token(&replayed)
                .await
                .err(),
            Some(OAuthError::InvalidClient)
        );
    }

    pinned
        .refresh(&token, &pinned.pin)
        .await
        .expect("one try was used up, not eleven");
}

async fn a_fingerprint_has_a_token_of_its_own(database: Database) {
    let pinned = Pinned::new(database).await;
    let (world, installation, fingerprint) = (&pinned.world, &pinned.installation, new_key());
    set_key(
        world,
        installation,
        AuthenticatorName::Fingerprint,
        &fingerprint,
    )
    .await;

    let token = refresh_token(&pinned.bound);
    let by_pin = proof(
        &pinned.pin,
        &json!({ "refresh_token_hash": hash(&token), "iat": world.clock.now().as_secs() }),
    );
    let bound = bind(world, installation, &token, Some(&by_pin), "fingerprint")
        .await
        .unwrap();
    let second = pinned
        .refresh(&refresh_token(&bound), &fingerprint)
        .await
        .unwrap();
    assert_eq!(
        pinned
            .refresh(&refresh_token(&second), &pinned.pin)
            .await
            .err(),
        wrong_pin(Some(2))
    );

    pinned
        .refresh(&token, &pinned.pin)
        .await
        .expect("binding does not use the token up");

    // Too many wrong proofs remove the fingerprint; the user stays enrolled.
    let fingerprint_token = refresh_token(&second);
    assert_eq!(
        pinned.refresh(&fingerprint_token, &new_key()).await.err(),
        wrong_pin(Some(1))
    );

    assert_eq!(
        pinned.refresh(&fingerprint_token, &new_key()).await.err(),
        Some(OAuthError::AuthenticatorGone)
    );

    assert_eq!(
        pinned.refresh(&fingerprint_token, &fingerprint).await.err(),
        Some(OAuthError::InvalidGrant)
    );

    assert!(is_alive(&world.token_server, &pinned.bound).await);
}

async fn without_a_limit_wrong_pins_never_disconnect(database: Database) {
    let pinned = Pinned::new(database).await;
    pinned
        .world
        .configure(|settings| bank(settings, |bank| bank.pin.max_attempts = 0));

    let token = refresh_token(&pinned.bound);
    for _ in 0..10 {
        assert_eq!(
            pinned.refresh(&token, &new_key()).await.err(),
            wrong_pin(None)
        );
    }

    pinned.refresh(&token, &pinned.pin).await.unwrap();
}

async fn with_pins_a_login_must_be_bound_to_one_first(database: Database) {
    let pinned = Pinned::new(database).await;
    let (world, installation, first) = (
        &pinned.world,
        &pinned.installation,
        refresh_token(&pinned.first),
    );

    for name in [
        AuthenticatorName::Fingerprint,
        AuthenticatorName::Custom("face".to_owned()),
    ] {
        set_key(world, installation, name.clone(), &new_key()).await;
        let around = bind(world, installation, &first, None, &name.to_string()).await;
        assert_eq!(
            around.err(),
            Some(OAuthError::UnboundRefreshToken),
            "{name}"
        );
    }

    bind(world, installation, &first, None, "pin")
        .await
        .expect("nothing was used up");

    world.configure(|settings| bank(settings, |bank| bank.pin.enabled = false));

    bind(world, installation, &first, None, "fingerprint")
        .await
        .expect("there are no PINs any more");
}

async fn a_pin_set_over_another_has_no_refresh_token(database: Database) {
    let pinned = Pinned::new(database).await;
    let (world, installation, thief) = (&pinned.world, &pinned.installation, new_key());
    let old = refresh_token(&pinned.bound);
    assert_eq!(
        pinned.refresh(&old, &new_key()).await.err(),
        wrong_pin(Some(2))
    );

    assert_eq!(
        pinned.refresh(&old, &new_key()).await.err(),
        wrong_pin(Some(1))
    );

    set_key(world, installation, AuthenticatorName::Pin, &thief).await;

    for key in [&thief, &pinned.pin] {
        assert_eq!(
            pinned.refresh(&old, key).await.err(),
            Some(OAuthError::InvalidGrant)
        );
    }

    assert!(
        is_alive(&world.token_server, &pinned.first).await,
        "the log-in itself goes on"
    );

    // After a login the user may bind again, with the attempts that were left.
    let bound = bind(
        world,
        installation,
        &refresh_token(&pinned.first),
        None,
        "pin",
    )
    .await
    .unwrap();

    assert_ne!(refresh_token(&bound), old);
    let last = pinned.refresh(&refresh_token(&bound), &new_key()).await;
    assert_eq!(last.err(), Some(OAuthError::UserDisconnected));
}

async fn a_changed_pin_keeps_the_refresh_token(database: Database) {
    let pinned = Pinned::new(database).await;
    let (world, new, token) = (&pinned.world, new_key(), refresh_token(&pinned.bound));
    assert_eq!(pinned.refresh(&token, &new).await.err(), wrong_pin(Some(2)));
    let claims =
        json!({ "jwk_thumbprint": new.public().thumbprint(), "iat": world.clock.now().as_secs() });
    let proof = jws::sign(
        &pinned.pin,
        Some(CHANGE_PROOF_TYPE),
        claims.to_string().as_bytes(),
    )
    .unwrap();

    let (id, alice) = (pinned.installation.id(), user("alice"));
    world
        .devices
        .change_authenticator(id, &alice, &AuthenticatorName::Pin, *new.public(), &proof)
        .await
        .unwrap();

    assert_eq!(
        pinned.refresh(&token, &pinned.pin).await.err(),
        wrong_pin(Some(2)),
        "the tries are all there again"
    );

    pinned.refresh(&token, &new).await.unwrap();
}

async fn the_same_pin_again_changes_nothing(database: Database) {
    let pinned = Pinned::new(database).await;
    let token = refresh_token(&pinned.bound);
    assert_eq!(
        pinned.refresh(&token, &new_key()).await.err(),
        wrong_pin(Some(2))
    );

    set_key(
        &pinned.world,
        &pinned.installation,
        AuthenticatorName::Pin,
        &pinned.pin,
    )
    .await;

    assert_eq!(
        pinned.refresh(&token, &new_key()).await.err(),
        wrong_pin(Some(1)),
        "no try came back"
    );

    pinned
        .refresh(&token, &pinned.pin)
        .await
        .expect("the token is alive");
}

async fn a_pin_that_was_removed_leaves_nothing_to_guess_at(database: Database) {
    let pinned = Pinned::new(database).await;
    let token = refresh_token(&pinned.bound);
    assert_eq!(
        pinned.refresh(&token, &new_key()).await.err(),
        wrong_pin(Some(2))
    );

    let (id, alice) = (pinned.installation.id(), user("alice"));
    pinned
        .world
        .devices
        .remove_authenticator(id, &alice, &AuthenticatorName::Pin)
        .await
        .unwrap();

    assert_eq!(
        pinned.refresh(&token, &pinned.pin).await.err(),
        Some(OAuthError::InvalidGrant)
    );

    assert_useless(&pinned, &token).await;
}

async fn a_pin_that_ended_with_its_enrolment_leaves_nothing_to_guess_at(database: Database) {
    let pinned = Pinned::new(database).await;
    let token = refresh_token(&pinned.bound);
    assert_eq!(
        pinned.refresh(&token, &new_key()).await.err(),
        wrong_pin(Some(2))
    );

    let (devices, id, alice) = (
        &pinned.world.devices,
        pinned.installation.id(),
        user("alice"),
    );

    devices.end_enrolment(id, &alice).await.unwrap();

    devices
        .enrol(id, &alice, *new_key().public())
        .await
        .unwrap();

    assert_eq!(
        pinned.refresh(&token, &pinned.pin).await.err(),
        Some(OAuthError::AuthenticatorGone)
    );

    assert_useless(&pinned, &token).await;
}

/// Whatever key is set next, a refresh token that was bound before is refused, so that nobody
/// learns whether a PIN was right.
async fn assert_useless(pinned: &Pinned, token: &str) {
    let thief = new_key();
    for key in [&thief, &pinned.pin] {
        set_key(
            &pinned.world,
            &pinned.installation,
            AuthenticatorName::Pin,
            key,
        )
        .await;

        for guess in [&thief, &pinned.pin] {
            assert_eq!(
                pinned.refresh(token, guess).await.err(),
                Some(OAuthError::InvalidGrant)
            );
        }
    }
}
