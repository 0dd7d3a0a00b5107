//! Further keys of a user on a device.

use countersign::devices::{AuthenticatorName, DeviceError, EnrolmentRefusal};
use countersign::settings::VersionStatus;

use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{World, new_key, user};

on_both_databases!(
    authenticators_need_an_enrolment_and_the_applications_leave,
    answers_are_verified_with_the_named_authenticators_key,
);

fn name(text: &str) -> AuthenticatorName {
    text.parse().unwrap()
}

async fn authenticators_need_an_enrolment_and_the_applications_leave(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let installation = world.install().await;
    let (devices, id) = (&world.devices, installation.id());
    let set = |text: &str| {
        let name = name(text);
        let alice = alice.clone();
        async move { devices.set_authenticator(id, &alice, &name, *new_key().public()).await }
    };
    assert_eq!(set("pin").await, Err(DeviceError::Refused(EnrolmentRefusal::KeysNotEnrolled)));
    devices.enrol(id, &alice, *new_key().public()).await.unwrap();
    for allowed in ["pin", "pin", "custom:face"] {
        set(allowed).await.unwrap();
    }
    for refused in ["fingerprint", "custom:voice"] {
        let refusal = Err(DeviceError::Refused(EnrolmentRefusal::AuthenticatorNotAllowed));
        assert_eq!(set(refused).await, refusal, "{refused}");
    }
    let state = devices.enrolment(id, &alice).await.unwrap().unwrap();
    assert_eq!(state.authenticators, ["custom:face", "pin"]);
    assert_eq!(devices.remove_authenticator(id, &alice, &name("pin")).await, Ok(true));
    assert_eq!(devices.remove_authenticator(id, &alice, &name("pin")).await, Ok(false));
}

async fn answers_are_verified_with_the_named_authenticators_key(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let installation = world.install().await;
    let (devices, id) = (&world.devices, installation.id());
    let key_for = |authenticator: &'static str| devices.answering_key(id, &alice, authenticator);
    assert_eq!(key_for("device").await, Ok(None), "not enrolled");
    devices.enrol(id, &alice, *new_key().public()).await.unwrap();
    assert_eq!(key_for("device").await, Ok(Some(*installation.key.public())));
    assert_eq!(devices.answering_key(id, &user("bob"), "device").await, Ok(None));

    let (old, new) = (new_key(), new_key());
    for key in [&old, &new] {
        devices.set_authenticator(id, &alice, &name("pin"), *key.public()).await.unwrap();
    }
    assert_eq!(key_for("pin").await, Ok(Some(*new.public())));
    for none in ["fingerprint", "custom:face", "custom:", "nonsense", ""] {
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
