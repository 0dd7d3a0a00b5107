//! The authenticators of a user on a device.

use countersign::devices::{
    AuthenticatorName, CHANGE_PROOF_TYPE, ChangeError, ChangeRefusal, DeviceError,
    EnrolmentRefusal, ProofError, REFRESH_PROOF_TYPE,
};
use countersign::jose::{PrivateJwk, PublicJwk, jws};
use countersign::settings::VersionStatus;
use serde_json::json;

use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{Installation, World, new_key, user};

on_both_databases!(
    authenticators_need_an_enrolment_and_the_applications_permission,
    answers_are_verified_with_the_named_authenticators_key,
    a_key_is_changed_by_its_holder,
    an_invalid_proof_costs_no_attempt,
    wrong_proofs_disconnect_the_user_or_remove_the_authenticator,
    a_right_proof_resets_failed_attempts,
    without_a_proof_failed_attempts_stay_counted,
    parallel_proofs_get_no_more_than_the_allowed_attempts,
    of_two_parallel_changes_one_succeeds,
);

/// A user who is enrolled with a key for `pin` and one for `custom:face`.
struct Keyed {
    world: World,
    installation: Installation,
    key: PrivateJwk,
}

impl Keyed {
    async fn new(database: Database) -> Self {
        let world = World::new(database);
        let (installation, key) = (world.install_and_enrol(&user("alice")).await, new_key());
        let keyed = Self {
            world,
            installation,
            key,
        };

        for name in ["pin", "custom:face"] {
            keyed.set(name, &keyed.key).await;
        }

        keyed
    }

    async fn set(&self, text: &str, key: &PrivateJwk) {
        let (id, alice) = (self.installation.id(), user("alice"));
        self.world
            .devices
            .set_authenticator(id, &alice, &name(text), *key.public())
            .await
            .unwrap();
    }

    /// With a proof that a key has signed.
    async fn change(
        &self,
        text: &str,
        new: &PrivateJwk,
        by: &PrivateJwk,
    ) -> Result<(), ChangeError> {
        self.change_with(text, new, &self.proof(new.public(), by, 0))
            .await
    }

    async fn change_with(
        &self,
        text: &str,
        new: &PrivateJwk,
        proof: &str,
    ) -> Result<(), ChangeError> {
        let (id, alice) = (self.installation.id(), user("alice"));
        self.world
            .devices
            .change_authenticator(id, &alice, &name(text), *new.public(), proof)
            .await
    }

    fn proof(&self, new: &PublicJwk, by: &PrivateJwk, later_seconds: i64) -> String {
        let iat = self.world.clock.now().as_secs() + later_seconds;
        let claims = json!({ "jwk_thumbprint": new.thumbprint(), "iat": iat });
        jws::sign(by, Some(CHANGE_PROOF_TYPE), claims.to_string().as_bytes()).unwrap()
    }

    async fn key_of(&self, text: &str) -> Option<PublicJwk> {
        self.world
            .devices
            .answering_key(self.installation.id(), &user("alice"), text)
            .await
            .unwrap()
    }
}

fn refused(error: ProofError, attempts_left: Option<u32>) -> Result<(), ChangeError> {
    Err(DeviceError::Refused(ChangeRefusal::InvalidProof {
        error,
        attempts_left,
    }))
}

fn wrong(attempts_left: u32) -> Result<(), ChangeError> {
    refused(ProofError::Signature, Some(attempts_left))
}

async fn a_key_is_changed_by_its_holder(database: Database) {
    let keyed = Keyed::new(database).await;
    let (second, third) = (new_key(), new_key());
    let proof = keyed.proof(second.public(), &keyed.key, 0);
    for _ in 0..3 {
        keyed
            .change_with("pin", &second, &proof)
            .await
            .expect("a lost answer is given again");
    }

    assert_eq!(keyed.key_of("pin").await, Some(*second.public()));
    assert_eq!(keyed.key_of("custom:face").await, Some(*keyed.key.public()));

    assert_eq!(
        keyed.change("pin", &third, &keyed.key).await,
        wrong(2),
        "the one before the last"
    );

    keyed.change("pin", &third, &second).await.unwrap();

    assert_eq!(
        keyed.change_with("pin", &second, &proof).await,
        wrong(2),
        "used before, and by no key of now"
    );

    let (id, alice) = (keyed.installation.id(), user("alice"));
    keyed
        .world
        .devices
        .remove_authenticator(id, &alice, &name("pin"))
        .await
        .unwrap();

    keyed
        .change_with("pin", &second, "nothing to prove")
        .await
        .expect("there is no key to change");

    let refusal = ChangeRefusal::Enrolment(EnrolmentRefusal::AuthenticatorNotAllowed);
    assert_eq!(
        keyed.change("custom:voice", &third, &second).await,
        Err(DeviceError::Refused(refusal))
    );
}

async fn an_invalid_proof_costs_no_attempt(database: Database) {
    let keyed = Keyed::new(database).await;
    let (new, thief) = (new_key(), new_key());
    let other_claims = jws::sign(
        &thief,
        Some(CHANGE_PROOF_TYPE),
        br#"{"refresh_token_hash":"x","iat":1}"#,
    )
    .unwrap();

    for (proof, error) in [
        (String::new(), ProofError::Malformed),
        ("a.b.c".to_owned(), ProofError::Malformed),
        (other_claims, ProofError::Malformed),
        (
            keyed.proof(thief.public(), &keyed.key, 0),
            ProofError::OtherKey,
        ),
        (
            keyed.proof(new.public(), &keyed.key, -301),
            ProofError::Stale,
        ),
        (keyed.proof(new.public(), &keyed.key, 61), ProofError::Stale),
    ] {
        for _ in 0..3 {
            assert_eq!(
                keyed.change_with("pin", &new, &proof).await,
                refused(error, None),
                "{proof}"
            );
        }
    }

    assert_eq!(
        keyed.change("pin", &new, &thief).await,
        wrong(2),
        "no try was used up"
    );
}

async fn wrong_proofs_disconnect_the_user_or_remove_the_authenticator(database: Database) {
    let keyed = Keyed::new(database).await;
    let (new, thief) = (new_key(), new_key());
    let gone = |refusal| Err(DeviceError::Refused(refusal));
    let claims = json!({ "jwk_thumbprint": new.public().thumbprint(), "iat": keyed.world.clock.now().as_secs() });
    let other_type = jws::sign(
        &keyed.key,
        Some(REFRESH_PROOF_TYPE),
        claims.to_string().as_bytes(),
    )
    .unwrap();

    assert_eq!(
        keyed.change_with("custom:face", &new, &other_type).await,
        wrong(2)
    );

    assert_eq!(keyed.change("custom:face", &new, &thief).await, wrong(1));

    assert_eq!(
        keyed.change("custom:face", &new, &thief).await,
        gone(ChangeRefusal::AuthenticatorGone)
    );

    assert_eq!(
        (keyed.key_of("custom:face").await, keyed.key_of("pin").await),
        (None, Some(*keyed.key.public()))
    );

    assert_eq!(keyed.change("pin", &new, &thief).await, wrong(2));
    assert_eq!(keyed.change("pin", &new, &thief).await, wrong(1));

    assert_eq!(
        keyed.change("pin", &new, &thief).await,
        gone(ChangeRefusal::UserDisconnected)
    );

    assert_eq!(
        keyed
            .world
            .devices
            .enrolment(keyed.installation.id(), &user("alice"))
            .await
            .unwrap(),
        None
    );
}

async fn a_right_proof_resets_failed_attempts(database: Database) {
    let keyed = Keyed::new(database).await;
    let (new, thief) = (new_key(), new_key());
    assert_eq!(keyed.change("pin", &new, &thief).await, wrong(2));
    assert_eq!(keyed.change("pin", &new, &thief).await, wrong(1));
    keyed.change("pin", &new, &keyed.key).await.unwrap();
    assert_eq!(keyed.change("pin", &new_key(), &thief).await, wrong(2));
}

async fn without_a_proof_failed_attempts_stay_counted(database: Database) {
    let keyed = Keyed::new(database).await;
    let (new, thief) = (new_key(), new_key());
    assert_eq!(keyed.change("pin", &new, &thief).await, wrong(2));

    keyed.set("pin", &keyed.key).await;

    assert_eq!(
        keyed.change("pin", &new, &thief).await,
        wrong(1),
        "it was the same key"
    );

    keyed.set("pin", &new).await;
    assert_eq!(keyed.key_of("pin").await, Some(*new.public()));

    let last = keyed.change("pin", &new_key(), &thief).await;
    assert_eq!(
        last,
        Err(DeviceError::Refused(ChangeRefusal::UserDisconnected))
    );
}

async fn parallel_proofs_get_no_more_than_the_allowed_attempts(database: Database) {
    let keyed = Keyed::new(database).await;
    let (new, thief) = (new_key(), new_key());
    let results =
        futures_util::future::join_all((0..20).map(|_| keyed.change("pin", &new, &thief))).await;

    // The last wrong proof and all that come after it are told of the disconnection.
    let looked_at = results.iter().filter(|result| {
        matches!(
            result,
            Err(DeviceError::Refused(ChangeRefusal::InvalidProof { .. }))
        )
    });

    assert!(looked_at.count() <= 2, "{results:?}");
    assert!(results.iter().all(Result::is_err));
    assert_eq!(keyed.key_of("pin").await, None);
}

async fn of_two_parallel_changes_one_succeeds(database: Database) {
    let keyed = Keyed::new(database).await;
    let (left, right) = (new_key(), new_key());
    let results = tokio::join!(
        keyed.change("pin", &left, &keyed.key),
        keyed.change("pin", &right, &keyed.key)
    );
    let expected = match results {
        (Ok(()), Err(_)) => &left,
        (Err(_), Ok(())) => &right,
        both => panic!("{both:?}"),
    };

    assert_eq!(keyed.key_of("pin").await, Some(*expected.public()));

    keyed.change("pin", &new_key(), expected).await.unwrap();
}

fn name(text: &str) -> AuthenticatorName {
    text.parse().unwrap()
}

async fn authenticators_need_an_enrolment_and_the_applications_permission(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let installation = world.install().await;
    let (devices, id) = (&world.devices, installation.id());
    let set = |text: &str| {
        let name = name(text);
        let alice = alice.clone();
        async move {
            devices
                .set_authenticator(id, &alice, &name, *new_key().public())
                .await
        }
    };

    assert_eq!(
        set("pin").await,
        Err(DeviceError::Refused(EnrolmentRefusal::KeysNotEnrolled))
    );

    devices
        .enrol(id, &alice, *new_key().public())
        .await
        .unwrap();

    for allowed in ["pin", "pin", "custom:face"] {
        set(allowed).await.unwrap();
    }

    for refused in ["fingerprint", "custom:voice"] {
        let refusal = Err(DeviceError::Refused(
            EnrolmentRefusal::AuthenticatorNotAllowed,
        ));
        assert_eq!(set(refused).await, refusal, "{refused}");
    }

    let state = devices.enrolment(id, &alice).await.unwrap().unwrap();
    assert_eq!(state.authenticators, ["custom:face", "pin"]);

    assert_eq!(
        devices.remove_authenticator(id, &alice, &name("pin")).await,
        Ok(true)
    );

    assert_eq!(
        devices.remove_authenticator(id, &alice, &name("pin")).await,
        Ok(false)
    );
}

async fn answers_are_verified_with_the_named_authenticators_key(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let installation = world.install().await;
    let (devices, id) = (&world.devices, installation.id());
    let key_for = |authenticator: &'static str| devices.answering_key(id, &alice, authenticator);
    assert_eq!(key_for("pin").await, Ok(None), "not enrolled");

    devices
        .enrol(id, &alice, *new_key().public())
        .await
        .unwrap();

    let (old, new) = (new_key(), new_key());
    for key in [&old, &new] {
        devices
            .set_authenticator(id, &alice, &name("pin"), *key.public())
            .await
            .unwrap();
    }

    assert_eq!(key_for("pin").await, Ok(Some(*new.public())));

    assert_eq!(
        devices.answering_key(id, &user("bob"), "pin").await,
        Ok(None)
    );

    for none in [
        "device",
        "fingerprint",
        "custom:face",
        "custom:",
        "nonsense",
        "",
    ] {
        assert_eq!(key_for(none).await, Ok(None), "{none}");
    }

    world.configure(|settings| {
        for application in settings.applications.values_mut() {
            std::sync::Arc::make_mut(application).pin.enabled = false;
        }
    });

    assert_eq!(key_for("pin").await, Ok(None), "no longer allowed");

    world.set_status("1.0", VersionStatus::Disabled);
    assert_eq!(key_for("device").await, Ok(None), "the version is disabled");
}
