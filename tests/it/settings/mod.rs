//! The settings in the database.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countersign::clock::{Clock, Timestamp};
use countersign::random::SystemRandom;
use countersign::secret::{Keyring, SecretString};
use countersign::settings::{CurrentSettings, Settings, SettingsError, StoredSettings, plan};
use countersign::store::queries::settings::load_settings;
use countersign::store::rows::SettingRow;
use countersign::store::{Store, StoreError, WriteError};
use countersign::telemetry::Metrics;

use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    applied_settings_are_loaded,
    applying_the_same_settings_twice_changes_nothing,
    secrets_are_sealed_for_where_they_stand,
    only_the_first_master_key_fits,
    one_of_two_concurrent_changes_is_refused,
    a_change_by_another_process_takes_effect,
    the_revision_in_force_is_told,
);

const FILE: &str = r#"
[[api_clients]]
client_id = "portal"
client_secret = "env:CLIENT_SECRET"
permissions = ["mobile_authentication", "token_introspection", "list_users"]
resource_servers = ["orders-api"]
administers = ["shop", "bank"]

[[applications]]
id = "bank"
name = "Demo Bank"
redirect_uris = ["bank://login"]
custom_authenticators = ["face"]

[[applications.versions]]
platform = "android"
version = "1.0"
status = "LOGIN_REGISTRATION"
push_configuration = "fcm"

[[web_clients]]
client_id = "shop"
name = "Shop"
client_secret = "env:CLIENT_SECRET"
redirect_uris = ["https://shop.example/cb"]
grant_types = ["authorization_code", "refresh_token"]
scopes = ["openid", "orders"]
tokens = { access_token_format = "jwt", access_token_lifetime_seconds = 300 }

[[web_clients]]
client_id = "keyed"
name = "Keyed"
public_jwk = { kty = "EC", crv = "P-256", x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }
grant_types = ["client_credentials"]

[[web_clients]]
client_id = "television"
name = "Television"
grant_types = ["urn:ietf:params:oauth:grant-type:device_code"]

[[scopes]]
id = "orders"
descriptions = { en = "See your orders" }

[[resource_servers]]
id = "orders-api"
name = "Orders"
audience = "https://api.shop.example"
permitted_clients = ["shop", "bank"]
scopes = ["orders"]
signing_algorithm = "RS256"

[[push_configurations]]
name = "fcm"
platform = "android"
service_account = "env:FCM"

[[push_configurations]]
name = "apns"
platform = "ios"
team_id = "TEAM123456"
key_id = "KEY1234567"
auth_key = "env:P8"

[sms]
gateway = "http"
endpoint = "https://sms.example/"
username = "countersign"
password = "env:CANARY_1"

[[authentication_types]]
name = "login"
method = "PUSH"
time_to_live_seconds = 120
default_messages = { en = "Approve?" }

[[callback_endpoints]]
url = "https://portal.example/callback"
username = "countersign"
password = "env:CANARY_2"
signing_secret = "env:SIGNING"

[mobile_authentication]
prompts_per_hour_max = 30

[tokens]
refresh_grace_seconds = 5
"#;

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "CLIENT_SECRET" => "canary-client-kZ8vTqL3xN7wRb2MfJ5sHd9C",
        "FCM" => {
            r#"{"project_id":"p","client_email":"e","private_key":"canary-fcm","token_uri":"t"}"#
        }
        "P8" => "-----BEGIN PRIVATE KEY-----\ncanary-p8\n-----END PRIVATE KEY-----",
        "CANARY_1" => "canary-1",
        "CANARY_2" => "canary-2",
        "SIGNING" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        _ => return None,
    };

    Some(value.to_owned())
}

fn file() -> Settings {
    Settings::from_toml(FILE, Path::new(""), &environment).unwrap()
}

fn stored(store: &Store, master_key: u8) -> StoredSettings {
    let clock = Clock::manual(Timestamp::from_millis(1_795_000_000_000));
    stored_by(&clock, store, master_key)
}

fn stored_by(clock: &Clock, store: &Store, master_key: u8) -> StoredSettings {
    StoredSettings::new(
        store.clone(),
        Arc::new(Keyring::new(&[master_key; 32])),
        clock.clone(),
        Arc::new(SystemRandom),
    )
}

async fn apply(stored: &StoredSettings, wanted: &Settings) -> i64 {
    let current = stored.load().await.unwrap();
    stored
        .apply(&plan(&current, wanted), current.revision)
        .await
        .unwrap()
}

async fn rows(store: &Store) -> Vec<SettingRow> {
    store.read(load_settings).await.unwrap().1
}

async fn applied_settings_are_loaded(database: Database) {
    let store = database.store();
    let stored = stored(&store, 1);
    assert_eq!(stored.load().await.unwrap().revision, 0);
    assert_eq!(apply(&stored, &file()).await, 1);

    let (read, wanted) = (stored.load().await.unwrap(), file());
    assert_eq!(plan(&read, &wanted).changes, []);
    assert_eq!(read.sms, wanted.sms);
    assert_eq!(read.push_configurations, wanted.push_configurations);
    assert_eq!(read.callback_endpoints, wanted.callback_endpoints);
    assert_eq!(read.mobile_authentication.prompts_per_hour_max, 30);

    assert_eq!(
        (&read.api_clients, &read.applications),
        (&wanted.api_clients, &wanted.applications)
    );

    assert_eq!(
        (&read.web_clients, &read.web_clients.len()),
        (&wanted.web_clients, &3)
    );

    assert_eq!(
        (&read.scopes, &read.resource_servers),
        (&wanted.scopes, &wanted.resource_servers)
    );

    assert_eq!(read.tokens.refresh_grace_seconds, 5);

    // The file is the whole configuration, so objects that it does not have are removed.
    assert_eq!(apply(&stored, &Settings::default()).await, 2);
    let read = stored.load().await.unwrap();
    assert!(
        read.api_clients.is_empty() && read.sms.is_none() && read.callback_endpoints.is_empty()
    );

    assert!(
        read.web_clients.is_empty() && read.scopes.is_empty() && read.resource_servers.is_empty()
    );

    assert_eq!(read.tokens, Settings::default().tokens);

    assert_eq!(
        *read.mobile_authentication,
        *Settings::default().mobile_authentication
    );
}

async fn applying_the_same_settings_twice_changes_nothing(database: Database) {
    let store = database.store();
    let stored = stored(&store, 1);
    apply(&stored, &file()).await;
    let before = rows(&store).await;
    assert_eq!(apply(&stored, &file()).await, 1);
    assert_eq!(rows(&store).await, before);

    let wanted =
        Settings::from_toml(&FILE.replace("120", "60"), Path::new(""), &environment).unwrap();
    assert_eq!(apply(&stored, &wanted).await, 2);

    let changed: Vec<_> = rows(&store)
        .await
        .into_iter()
        .filter(|row| !before.contains(row))
        .collect();

    assert_eq!(changed.len(), 1);
    assert_eq!((changed[0].name.as_str(), changed[0].version), ("login", 2));
}

async fn secrets_are_sealed_for_where_they_stand(database: Database) {
    let store = database.store();
    let stored = stored(&store, 1);
    apply(&stored, &file()).await;

    for row in rows(&store).await {
        assert!(
            !row.body.contains("canary") && !row.body.contains("MfKQ9r8G"),
            "{}",
            row.body
        );
    }

    // A sealed secret cannot be used in another field.
    let moved: Result<(), StoreError> = store
        .write(|connection| {
            let rows = load_settings(connection)?.1;
            let mut endpoint = rows
                .into_iter()
                .find(|row| row.kind == "callback_endpoints")
                .unwrap();
            let mut body: serde_json::Value = serde_json::from_str(&endpoint.body).unwrap();
            body["signing_secret"] = body["password"].clone();
            endpoint.body = body.to_string();
            countersign::store::queries::settings::update_setting(connection, &endpoint)?;

            Ok::<_, WriteError<StoreError>>(())
        })
        .await;

    moved.unwrap();

    let error = stored.load().await.unwrap_err();
    let SettingsError::Unreadable(problem) = error else {
        panic!("{error}")
    };
    assert!(problem.place.ends_with("signing_secret"), "{problem}");
}

async fn only_the_first_master_key_fits(database: Database) {
    let store = database.store();
    assert!(!StoredSettings::is_keyed(&store).await.unwrap());

    stored(&store, 1).check_master_key().await.unwrap();
    assert!(StoredSettings::is_keyed(&store).await.unwrap());

    stored(&store, 1).check_master_key().await.unwrap();

    assert_eq!(
        stored(&store, 2).check_master_key().await,
        Err(SettingsError::WrongMasterKey)
    );
}

async fn one_of_two_concurrent_changes_is_refused(database: Database) {
    let store = database.store();
    let stored = stored(&store, 1);
    let steps = plan(&Settings::default(), &file());
    let (one, other) = tokio::join!(stored.apply(&steps, 0), stored.apply(&steps, 0));
    let (done, refused) = if one.is_ok() {
        (one, other)
    } else {
        (other, one)
    };

    assert_eq!(
        (done, refused),
        (Ok(1), Err(SettingsError::ChangedMeanwhile))
    );
}

async fn the_revision_in_force_is_told(database: Database) {
    let store = database.store();
    let clock = Clock::manual(Timestamp::from_millis(1_795_000_000_000));
    let (here, elsewhere) = (stored_by(&clock, &store, 1), stored(&store, 1));
    let (current, metrics) = (CurrentSettings::default(), Metrics::new());

    let tells = async |revision: i64| {
        let line = format!("countersign_settings_revision {revision}\n");

        while !metrics.render().contains(&line) {
            clock.advance(Duration::from_millis(100));
            tokio::task::yield_now().await;
        }
    };
    let changing = async {
        tells(0).await;
        apply(&elsewhere, &file()).await;
        tells(1).await;
    };

    let changed = tokio::time::timeout(Duration::from_secs(20), async {
        tokio::select! {
            () = here.follow(&current, &metrics) => unreachable!("it follows forever"),
            () = changing => {}
        }
    });
    changed.await.expect("the new revision is told");
}

async fn a_change_by_another_process_takes_effect(database: Database) {
    let store = database.store();
    let (here, elsewhere) = (stored(&store, 1), stored(&store, 1));
    let current = CurrentSettings::default();
    here.reload(&current).await.unwrap();
    assert!(current.load().authentication_types.is_empty());

    apply(&elsewhere, &file()).await;
    here.reload(&current).await.unwrap();

    assert_eq!(
        (
            current.load().revision,
            current.load().authentication_types.len()
        ),
        (1, 1)
    );

    let secret = current
        .load()
        .callback_endpoints
        .values()
        .next()
        .unwrap()
        .credentials
        .clone()
        .unwrap()
        .1;

    assert_eq!(secret, SecretString::new("canary-2".to_owned()));
}
