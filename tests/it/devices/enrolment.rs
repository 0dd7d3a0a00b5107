//! Users enrol keys on devices.

use countersign::devices::{DeviceError, EnrolmentError, EnrolmentRefusal};
use countersign::ids::UserId;

use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{World, new_key, transport, user};

on_both_databases!(
    a_user_enrols_once_on_each_device,
    enrolment_can_be_switched_off,
    override_replaces_all_that_was_enrolled,
    of_parallel_enrolments_one_wins,
    ending_an_enrolment_removes_what_depends_on_it,
);

const ENROLLED: EnrolmentError = DeviceError::Refused(EnrolmentRefusal::AlreadyEnrolled);

async fn a_user_enrols_once_on_each_device(database: Database) {
    let world = World::new(database);
    let (alice, bob) = (user("alice"), user("bob"));
    let (first, second) = (world.install().await, world.install().await);
    let (key, other_key) = (new_key(), new_key());
    let enrolled = world
        .devices
        .enrol(first.id(), &alice, *key.public())
        .await
        .unwrap();

    assert_eq!(enrolled.profile_id.as_str().len(), 6);

    let again = world
        .devices
        .enrol(first.id(), &alice, *other_key.public())
        .await;
    assert_eq!(again, Err(ENROLLED));

    let elsewhere = world
        .devices
        .enrol(second.id(), &alice, *other_key.public())
        .await
        .unwrap();

    assert_eq!(elsewhere.server_key, enrolled.server_key);

    let neighbour = world
        .devices
        .enrol(first.id(), &bob, *other_key.public())
        .await
        .unwrap();

    assert_ne!(neighbour.profile_id, enrolled.profile_id);

    let found = world
        .devices
        .enrolment_by_profile(first.id(), &enrolled.profile_id)
        .await
        .unwrap()
        .unwrap();

    assert_eq!((&found.user_id, &found.public_key), (&alice, key.public()));

    assert_eq!(
        world
            .devices
            .enrolment_of(first.id(), &alice)
            .await
            .unwrap(),
        Some(found)
    );

    assert_eq!(
        world
            .devices
            .enrolment_by_profile(second.id(), &neighbour.profile_id)
            .await
            .unwrap(),
        None
    );

    assert_eq!(
        world.events_of(&alice).await,
        ["KEY_ENROLLMENT_SUCCESS", "KEY_ENROLLMENT_SUCCESS"]
    );
}

async fn enrolment_can_be_switched_off(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    world.configure_general(|general| general.enrolment_enabled = false);

    let refused = world
        .devices
        .enrol(installation.id(), &user("alice"), *new_key().public())
        .await;
    assert_eq!(
        refused,
        Err(DeviceError::Refused(EnrolmentRefusal::Disabled))
    );
}

async fn override_replaces_all_that_was_enrolled(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let installation = world.install().await;
    let id = installation.id();
    let before = world
        .devices
        .enrol(id, &alice, *new_key().public())
        .await
        .unwrap();

    world
        .devices
        .set_authenticator(id, &alice, &"pin".parse().unwrap(), *new_key().public())
        .await
        .unwrap();

    world
        .devices
        .enrol_push(id, &alice, transport("fcm"), Some(secret("address")))
        .await
        .unwrap();

    world.configure_general(|general| general.enrolment_override_enabled = true);
    let key = new_key();
    let after = world
        .devices
        .enrol(id, &alice, *key.public())
        .await
        .unwrap();

    assert_eq!(after.profile_id, before.profile_id);

    let state = world.devices.enrolment(id, &alice).await.unwrap().unwrap();
    assert_eq!(
        (state.enrolment.public_key, state.push),
        (*key.public(), None)
    );

    assert!(state.authenticators.is_empty());
}

async fn of_parallel_enrolments_one_wins(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let attempts = (0..10).map(|_| {
        let (devices, id) = (world.devices.clone(), installation.id().clone());
        tokio::spawn(async move {
            devices
                .enrol(&id, &user("alice"), *new_key().public())
                .await
        })
    });

    let results = futures_util::future::join_all(attempts).await;
    let (won, lost): (Vec<_>, Vec<_>) = results
        .into_iter()
        .map(Result::unwrap)
        .partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 9));
    assert!(lost.into_iter().all(|result| result == Err(ENROLLED)));
}

async fn ending_an_enrolment_removes_what_depends_on_it(database: Database) {
    let world = World::new(database);
    let (alice, bob): (UserId, UserId) = (user("alice"), user("bob"));
    let installation = world.install_and_enrol(&alice).await;
    let id = installation.id();
    world
        .devices
        .enrol(id, &bob, *new_key().public())
        .await
        .unwrap();

    for user in [&alice, &bob] {
        world
            .devices
            .enrol_push(id, user, transport("fcm"), Some(secret("address")))
            .await
            .unwrap();
    }

    assert_eq!(world.devices.end_enrolment(id, &alice).await, Ok(true));
    assert_eq!(world.devices.end_enrolment(id, &alice).await, Ok(false));
    assert_eq!(world.devices.enrolment(id, &alice).await, Ok(None));
    assert!(world.devices.push_targets(&alice).await.unwrap().is_empty());

    assert_eq!(
        world.devices.push_targets(&bob).await.unwrap().len(),
        1,
        "the address is shared and stays"
    );

    assert_eq!(
        world.events_of(&alice).await,
        [
            "KEY_ENROLLMENT_REMOVED",
            "KEY_ENROLLMENT_SUCCESS",
            "PUSH_ENROLLMENT_SUCCESS"
        ]
    );
}
