//! Registration (RFC 7591) and its management (RFC 7592).

use std::net::IpAddr;
use std::time::Duration;

use countersign::devices::{
    ClientMetadata, DeviceError, Devices, RegistrationError, RegistrationRefusal,
};
use countersign::oauth::{BearerError, PresentedToken};
use countersign::settings::VersionStatus;
use countersign::store::queries::sweep;
use countersign::store::{Connection, StoreError, WriteError};
use serde_json::{Value, json};

use crate::oauth::login::{code, redeem};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{Installation, SOURCE, World, metadata, new_key, parse, user};

on_both_databases!(
    a_device_registers_and_reads_its_registration,
    only_the_registration_token_opens_a_registration,
    closed_versions_accept_no_registrations,
    registrations_have_a_quota_by_source_and_in_all,
    a_device_on_which_nobody_logs_in_is_not_kept,
    an_update_is_validated_as_a_whole,
    deleting_a_registration_removes_everything_of_the_device,
);

const CLOSED: RegistrationError = DeviceError::Refused(RegistrationRefusal::VersionClosed);
const WRONG_TOKEN: RegistrationError = DeviceError::Refused(RegistrationRefusal::InvalidToken);

fn is_invalid_metadata<T>(result: &Result<T, RegistrationError>) -> bool {
    matches!(
        result,
        Err(DeviceError::Refused(RegistrationRefusal::InvalidMetadata(
            _
        )))
    )
}

/// The device's metadata with these changes.
fn own_metadata(installation: &Installation, changes: &Value) -> ClientMetadata {
    let mut metadata = metadata(
        installation.key.public(),
        &json!({ "client_id": installation.id() }),
    );
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }

    parse(&metadata)
}

async fn a_device_registers_and_reads_its_registration(database: Database) {
    let world = World::new(database);
    let installation = world
        .install_with(&json!({ "device_model": "P8", "os_version": "16" }))
        .await;
    let id = installation.id().as_str();
    assert!(
        id.len() == 64
            && id
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte)),
        "{id}"
    );

    let found = world.devices.find(installation.id()).await.unwrap();
    assert_eq!(found.as_ref(), Some(&installation.device));

    let token = installation.registration_token.expose();
    assert_eq!(
        world
            .devices
            .read_registration(installation.id(), token)
            .await
            .ok(),
        found
    );

    let unknown = parse(&metadata(
        new_key().public(),
        &json!({ "software_id": "nobody" }),
    ));
    assert!(is_invalid_metadata(
        &world.devices.register(unknown, SOURCE, None).await
    ));

    let unknown = parse(&metadata(
        new_key().public(),
        &json!({ "software_version": "7.0" }),
    ));
    assert!(is_invalid_metadata(
        &world.devices.register(unknown, SOURCE, None).await
    ));
}

async fn only_the_registration_token_opens_a_registration(database: Database) {
    let world = World::new(database);
    let (mine, other) = (world.install().await, world.install().await);
    let nobody = "0".repeat(64).parse().unwrap();
    for (id, token) in [
        (mine.id(), other.registration_token.expose()),
        (mine.id(), ""),
        (mine.id(), mine.id().as_str()),
        (&nobody, mine.registration_token.expose()),
    ] {
        assert_eq!(
            world.devices.read_registration(id, token).await.err(),
            Some(WRONG_TOKEN)
        );

        let update = world
            .devices
            .update_registration(id, token, own_metadata(&mine, &json!({})))
            .await;
        assert_eq!(update.err(), Some(WRONG_TOKEN));

        assert_eq!(
            world.devices.delete_registration(id, token).await,
            Err(WRONG_TOKEN)
        );
    }

    assert!(world.devices.find(mine.id()).await.unwrap().is_some());
}

async fn closed_versions_accept_no_registrations(database: Database) {
    let world = World::new(database);
    for version in ["0.9", "0.1"] {
        let wish = parse(&metadata(
            new_key().public(),
            &json!({ "software_version": version }),
        ));
        assert_eq!(
            world.devices.register(wish, SOURCE, None).await.err(),
            Some(CLOSED),
            "{version}"
        );
    }
}

async fn an_update_is_validated_as_a_whole(database: Database) {
    let world = World::new(database);
    let installation = world.install_with(&json!({ "device_model": "P8" })).await;
    let (id, token) = (installation.id(), installation.registration_token.expose());
    let update = |changes: Value| {
        world
            .devices
            .update_registration(id, token, own_metadata(&installation, &changes))
    };

    let changed = update(json!({ "software_version": "1.1", "device_name": "Renamed" }))
        .await
        .unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.application_version.as_str()),
        ("Renamed", "1.1")
    );

    assert_eq!(changed.model, None, "what is left out is gone");
    assert_eq!(changed.public_key, *installation.key.public());

    assert_eq!(
        world.devices.read_registration(id, token).await,
        Ok(changed.clone()),
        "the token stays"
    );

    for changes in [
        json!({ "client_id": null }),
        json!({ "client_id": "0".repeat(64) }),
        json!({ "platform": "ios" }),
        json!({ "software_id": "shop" }),
        json!({ "software_version": "7.0" }),
        json!({ "jwks": { "keys": [new_key().public()] } }),
    ] {
        assert!(
            is_invalid_metadata(&update(changes.clone()).await),
            "{changes}"
        );
    }

    for version in ["0.9", "0.1"] {
        assert_eq!(
            update(json!({ "software_version": version })).await.err(),
            Some(CLOSED),
            "{version}"
        );
    }

    assert_eq!(world.devices.find(id).await.unwrap(), Some(changed));

    world.set_status("1.1", VersionStatus::LoginOnly);

    update(json!({ "software_version": "1.1" }))
        .await
        .expect("it runs this version already");

    world.set_status("1.1", VersionStatus::Disabled);

    assert_eq!(
        update(json!({ "software_version": "1.1" })).await.err(),
        Some(CLOSED)
    );
}

async fn deleting_a_registration_removes_everything_of_the_device(database: Database) {
    let world = World::new(database);
    let alice = user("alice");
    let installation = world.install_and_enrol(&alice).await;
    let id = installation.id();
    let request = installation.device_token_request(world.clock.now());
    let token = world
        .token_server
        .grants
        .token(&request)
        .await
        .unwrap()
        .access_token;

    assert_eq!(
        world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(token.expose()))
            .await
            .unwrap()
            .device_id,
        *id
    );

    world
        .devices
        .delete_registration(id, installation.registration_token.expose())
        .await
        .unwrap();

    assert_eq!(world.devices.find(id).await, Ok(None));
    assert_eq!(world.devices.enrolment_of(id, &alice).await, Ok(None));

    assert_eq!(
        world
            .token_server
            .bearers
            .authenticate(&PresentedToken::bearer(token.expose()))
            .await,
        Err(BearerError::InvalidToken)
    );

    let again = world
        .devices
        .delete_registration(id, installation.registration_token.expose())
        .await;
    assert_eq!(again, Err(WRONG_TOKEN));
}

async fn registrations_have_a_quota_by_source_and_in_all(database: Database) {
    let world = World::new(database);
    world.configure_general(|general| {
        general.registrations_per_source_per_hour_max = 3;
        general.registrations_per_hour_max = 5;
    });
    let other_node = Devices::new(&world.base());
    let address = |last: u8| IpAddr::from([203, 0, 113, last]);
    let register = async |devices: &Devices, source: IpAddr| {
        let key = new_key();
        let wish = parse(&metadata(key.public(), &json!({})));
        devices.register(wish, source, None).await.err()
    };
    let too_many = Some(DeviceError::Refused(RegistrationRefusal::TooMany));

    // Whichever node is asked, all count.
    for devices in [&world.devices, &other_node, &world.devices] {
        assert_eq!(register(devices, address(1)).await, None);
    }
    for devices in [&world.devices, &other_node] {
        assert_eq!(register(devices, address(1)).await, too_many);
    }

    // Who was refused took nobody's place.
    assert_eq!(register(&world.devices, address(2)).await, None);
    assert_eq!(register(&other_node, address(3)).await, None);
    assert_eq!(register(&world.devices, address(4)).await, too_many);

    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(register(&world.devices, address(1)).await, None);

    let all = (0..8).map(|_| register(&world.devices, address(9)));
    let results = futures_util::future::join_all(all).await;
    assert_eq!(results.iter().filter(|result| result.is_none()).count(), 3);
}

async fn a_device_on_which_nobody_logs_in_is_not_kept(database: Database) {
    let world = World::new(database);
    let (unused, used) = (world.install().await, world.install().await);
    let code = code(&world, &used).await;
    redeem(&world, &used, &code).await.unwrap();

    let thirty_days = Duration::from_secs(30 * 86_400);
    let delete = async || {
        let before = world.clock.now().before(thirty_days);
        let delete = move |connection: &mut Connection| {
            let deleted = sweep::delete_unused_devices(connection, before, 500)?;
            Ok::<_, WriteError<StoreError>>(deleted)
        };
        world.store.write(delete).await.unwrap()
    };

    world.clock.advance(thirty_days - Duration::from_millis(1));
    assert_eq!(delete().await, 0);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(delete().await, 1);

    assert_eq!(world.devices.find(unused.id()).await, Ok(None));
    assert!(world.devices.find(used.id()).await.unwrap().is_some());
}
