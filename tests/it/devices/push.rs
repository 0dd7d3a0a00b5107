//! Users enrol for push.

use std::time::Duration;

use countersign::clock::Timestamp;
use countersign::devices::{Destination, DeviceError, EnrolmentError, EnrolmentRefusal, Transport};
use countersign::ids::DeviceId;
use countersign::settings::VersionStatus;
use serde_json::json;

use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{START, World, new_key, transport, user};

on_both_databases!(
    a_user_is_enrolled_for_push_on_one_device_of_each_application,
    a_transport_must_reach_the_installation,
    an_address_belongs_to_one_installation,
    of_two_devices_enrolling_in_parallel_one_wins,
    of_two_devices_with_one_address_one_wins,
    the_address_can_be_replaced,
    only_a_report_after_the_registration_marks_an_address_dead,
    a_disabled_version_is_no_target,
);

fn refused(refusal: EnrolmentRefusal) -> Result<(), EnrolmentError> {
    Err(DeviceError::Refused(refusal))
}

/// The address that pushes to the device go to.
async fn address(world: &World, id: &DeviceId) -> Option<(String, Timestamp)> {
    match world.devices.push_destination(id).await.unwrap()? {
        Destination::Push {
            destination,
            registered_at,
        } => Some((destination.address.expose().to_owned(), registered_at)),
        Destination::Poll => None,
    }
}

async fn a_user_is_enrolled_for_push_on_one_device_of_each_application(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let first = world.install().await;

    let enrol = |id: DeviceId, address: &'static str| {
        let (devices, alice) = (world.devices.clone(), alice.clone());
        async move {
            devices
                .enrol_push(&id, &alice, transport("fcm"), Some(secret(address)))
                .await
        }
    };

    assert_eq!(
        enrol(first.id().clone(), "a1").await,
        refused(EnrolmentRefusal::KeysNotEnrolled)
    );

    let profile = world
        .devices
        .enrol(first.id(), &alice, *new_key().public())
        .await
        .unwrap()
        .profile_id;

    enrol(first.id().clone(), "a1").await.unwrap();

    enrol(first.id().clone(), "a2")
        .await
        .expect("once more replaces the address");

    let second = world.install_and_enrol(&alice).await;
    assert_eq!(
        enrol(second.id().clone(), "b").await,
        refused(EnrolmentRefusal::AlreadyEnrolled)
    );

    let shop = world.install_with(&json!({ "software_id": "shop" })).await;
    world
        .devices
        .enrol(shop.id(), &alice, *new_key().public())
        .await
        .unwrap();

    enrol(shop.id().clone(), "c")
        .await
        .expect("another application");

    let targets = world.devices.push_targets(&alice).await.unwrap();
    let ids: Vec<&DeviceId> = targets.iter().map(|target| &target.device_id).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&first.id()) && ids.contains(&shop.id()));

    assert!(
        targets
            .iter()
            .any(|target| target.profile_id == profile && target.transport == transport("fcm"))
    );

    let bobs = world.devices.push_targets(&user("bob")).await.unwrap();
    assert!(bobs.is_empty());

    assert_eq!(
        world.devices.remove_push(first.id(), &alice).await,
        Ok(true)
    );

    assert_eq!(
        world.devices.remove_push(first.id(), &alice).await,
        Ok(false)
    );

    assert_eq!(address(&world, first.id()).await, None);

    enrol(second.id().clone(), "a2")
        .await
        .expect("user and address are free");
}

async fn a_transport_must_reach_the_installation(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let android = world.install().await;
    let ios = world.install_with(&json!({ "platform": "ios" })).await;

    let without = world
        .install_with(&json!({ "software_version": "1.1" }))
        .await;

    for (installation, transport, fits) in [
        (&android, transport("apns"), false),
        (&android, transport("fcm"), true),
        (&ios, transport("fcm"), false),
        (&ios, transport("apns"), true),
        (&ios, Transport::Poll, true),
        (&without, transport("fcm"), false),
        (&without, Transport::Poll, true),
    ] {
        let id = installation.id();
        world
            .devices
            .enrol(id, &alice, *new_key().public())
            .await
            .ok();

        let address = (transport != Transport::Poll).then(|| secret("address"));
        let result = world
            .devices
            .enrol_push(id, &alice, transport, address)
            .await;

        if fits {
            result.unwrap();

            let destination = world
                .devices
                .push_destination(id)
                .await
                .unwrap()
                .expect("reachable");

            assert_eq!(
                matches!(destination, Destination::Poll),
                transport == Transport::Poll
            );

            world.devices.remove_push(id, &alice).await.unwrap();
        } else {
            assert_eq!(
                result,
                refused(EnrolmentRefusal::UnsuitableTransport),
                "{transport:?}"
            );
        }
    }

    for (transport, address) in [
        (transport("fcm"), None),
        (transport("fcm"), Some("")),
        (Transport::Poll, Some("x")),
    ] {
        let result = world
            .devices
            .enrol_push(android.id(), &alice, transport, address.map(secret))
            .await;
        assert_eq!(result, refused(EnrolmentRefusal::InvalidAddress));
    }

    world.configure_general(|general| general.push_enrolment_enabled = false);

    let result = world
        .devices
        .enrol_push(android.id(), &alice, Transport::Poll, None)
        .await;
    assert_eq!(result, refused(EnrolmentRefusal::Disabled));
}

async fn an_address_belongs_to_one_installation(database: Database) {
    let world = World::new(database);
    let (alice, bob) = (user("alice"), user("bob"));
    let (first, second) = (
        world.install_and_enrol(&alice).await,
        world.install_and_enrol(&bob).await,
    );
    world
        .devices
        .enrol_push(first.id(), &alice, transport("fcm"), Some(secret("same")))
        .await
        .unwrap();

    let result = world
        .devices
        .enrol_push(second.id(), &bob, transport("fcm"), Some(secret("same")))
        .await;
    assert_eq!(result, refused(EnrolmentRefusal::PushTokenInUse));

    assert!(
        world.devices.push_targets(&bob).await.unwrap().is_empty(),
        "nothing of it stays"
    );
}

async fn of_two_devices_enrolling_in_parallel_one_wins(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    for round in 0..5 {
        let (first, second) = (
            world.install_and_enrol(&alice).await,
            world.install_and_enrol(&alice).await,
        );

        let enrol = |id: &DeviceId, address: String| {
            let (devices, id) = (world.devices.clone(), id.clone());
            tokio::spawn(async move {
                devices
                    .enrol_push(
                        &id,
                        &user("alice"),
                        transport("fcm"),
                        Some(secret(&address)),
                    )
                    .await
            })
        };

        let attempts = [
            enrol(first.id(), format!("first-{round}")),
            enrol(second.id(), format!("second-{round}")),
        ];
        let results: Vec<_> = futures_util::future::join_all(attempts)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();

        assert_eq!(
            results.iter().filter(|result| result.is_ok()).count(),
            1,
            "{results:?}"
        );

        assert!(
            results.contains(&refused(EnrolmentRefusal::AlreadyEnrolled)),
            "{results:?}"
        );

        let targets = world.devices.push_targets(&alice).await.unwrap();
        assert_eq!(targets.len(), 1);

        world
            .devices
            .remove_push(&targets[0].device_id, &alice)
            .await
            .unwrap();
    }
}

async fn of_two_devices_with_one_address_one_wins(database: Database) {
    let world = World::new(database);
    let (first, second) = (
        world.install_and_enrol(&user("alice")).await,
        world.install_and_enrol(&user("bob")).await,
    );

    let enrol = |id: &DeviceId, name: &'static str| {
        let (devices, id) = (world.devices.clone(), id.clone());
        tokio::spawn(async move {
            devices
                .enrol_push(&id, &user(name), transport("fcm"), Some(secret("same")))
                .await
        })
    };

    let attempts = [enrol(first.id(), "alice"), enrol(second.id(), "bob")];
    let results: Vec<_> = futures_util::future::join_all(attempts)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();

    assert_eq!(
        results.iter().filter(|result| result.is_ok()).count(),
        1,
        "{results:?}"
    );

    assert!(
        results.contains(&refused(EnrolmentRefusal::PushTokenInUse)),
        "{results:?}"
    );
}

async fn the_address_can_be_replaced(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let installation = world.install_and_enrol(&alice).await;
    let id = installation.id();
    let replace = |address: &'static str| world.devices.replace_push_token(id, secret(address));
    assert_eq!(
        replace("new").await,
        refused(EnrolmentRefusal::PushNotEnrolled)
    );

    world
        .devices
        .enrol_push(id, &alice, Transport::Poll, None)
        .await
        .unwrap();

    assert_eq!(
        replace("new").await,
        refused(EnrolmentRefusal::PushNotEnrolled)
    );

    world
        .devices
        .enrol_push(id, &alice, transport("fcm"), Some(secret("old")))
        .await
        .unwrap();

    assert_eq!(replace("").await, refused(EnrolmentRefusal::InvalidAddress));

    assert_eq!(
        world.devices.mark_address_dead(id, None, START).await,
        Ok(true)
    );

    assert_eq!(address(&world, id).await, None);

    world.clock.advance(Duration::from_secs(5));
    replace("new").await.unwrap();

    assert_eq!(
        address(&world, id).await,
        Some(("new".to_owned(), world.clock.now()))
    );

    let other = world.install_and_enrol(&user("bob")).await;
    let result = world
        .devices
        .enrol_push(
            other.id(),
            &user("bob"),
            transport("fcm"),
            Some(secret("new")),
        )
        .await;

    assert_eq!(result, refused(EnrolmentRefusal::PushTokenInUse));

    world
        .devices
        .enrol_push(
            other.id(),
            &user("bob"),
            transport("fcm"),
            Some(secret("old")),
        )
        .await
        .unwrap();

    assert_eq!(
        replace("old").await,
        refused(EnrolmentRefusal::PushTokenInUse)
    );
}

async fn only_a_report_after_the_registration_marks_an_address_dead(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let installation = world.install_and_enrol(&alice).await;
    let id = installation.id();
    world
        .devices
        .enrol_push(id, &alice, transport("fcm"), Some(secret("address")))
        .await
        .unwrap();

    let now = START.after(Duration::from_secs(60));
    for since in [START.before(Duration::from_secs(1)), START] {
        assert_eq!(
            world.devices.mark_address_dead(id, Some(since), now).await,
            Ok(false)
        );
        assert!(address(&world, id).await.is_some());
    }

    assert_eq!(world.devices.push_targets(&alice).await.unwrap().len(), 1);

    let later = START.after(Duration::from_millis(1));
    assert_eq!(
        world.devices.mark_address_dead(id, Some(later), now).await,
        Ok(true)
    );

    assert_eq!(
        world.devices.mark_address_dead(id, Some(later), now).await,
        Ok(false),
        "dead already"
    );

    assert_eq!(address(&world, id).await, None);
    assert!(world.devices.push_targets(&alice).await.unwrap().is_empty());
}

async fn a_disabled_version_is_no_target(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let installation = world.install_and_enrol(&alice).await;
    world
        .devices
        .enrol_push(
            installation.id(),
            &alice,
            transport("fcm"),
            Some(secret("address")),
        )
        .await
        .unwrap();

    world.set_status("1.0", VersionStatus::LoginOnly);
    assert_eq!(world.devices.push_targets(&alice).await.unwrap().len(), 1);

    world.set_status("1.0", VersionStatus::Disabled);
    assert!(world.devices.push_targets(&alice).await.unwrap().is_empty());

    assert!(
        world
            .devices
            .push_destination(installation.id())
            .await
            .unwrap()
            .is_none()
    );
}
