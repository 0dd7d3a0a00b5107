//! Devices and token server as Rust functions, on a real database and with a manual clock.

use std::sync::Arc;

use std::net::{IpAddr, Ipv4Addr};

use countersign::base::Base;
use countersign::clock::{Clock, Timestamp};
use countersign::devices::{ClientMetadata, Device, Devices, Transport};
use countersign::egress::{Documents, Egress};
use countersign::ids::{ClientId, DeviceId, UserId};
use countersign::jose::{PrivateJwk, PublicJwk, jws};
use countersign::oauth::{
    CLIENT_ASSERTION_TYPE, Credentials, OAuthOptions, PresentedCredentials, TokenRequest,
    TokenServer,
};
use countersign::push::PushService;
use countersign::random::SystemRandom;
use countersign::secret::{Keyring, SecretString, sha256};
use countersign::settings::{
    ApiClient, Application, ApplicationVersion, ClientCredential, CurrentSettings, Enabled,
    MobileAuthentication, Permission, PinSettings, Platform, PushConfiguration, Settings,
    VersionStatus,
};
use countersign::store::{Store, queries};
use countersign::users::Users;
use serde_json::{Value, json};

use super::databases::Database;
use super::sandbox::secret;

/// Some day in 2026.
/// Where devices register from.
pub(crate) const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const START: Timestamp = Timestamp::from_millis(1_795_000_000_000);
pub(crate) const ISSUER: &str = "https://id.example";

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) settings: CurrentSettings,
    pub(crate) clock: Clock,
    pub(crate) users: Users,
    pub(crate) devices: Devices,
    pub(crate) token_server: TokenServer,
    /// The key of the API client `keyed`.
    pub(crate) client_key: PrivateJwk,
    database: Database,
}

impl World {
    pub(crate) fn new(database: Database) -> Self {
        let client_key = new_key();
        let base = base(database.store(), Clock::manual(START));
        base.settings.replace(some_settings(*client_key.public()));
        let users = Users::new(&base);
        let devices = Devices::new(&base);
        let token_server = TokenServer::new(&base, users.clone(), devices.clone(), options());

        Self {
            store: base.store,
            settings: base.settings,
            clock: base.clock,
            users,
            devices,
            token_server,
            client_key,
            database,
        }
    }

    /// Another program on the same database, with the same settings and clock.
    pub(crate) fn base(&self) -> Base {
        Base {
            settings: self.settings.clone(),
            ..base(self.database.open(), self.clock.clone())
        }
    }

    /// Another token server on the same database, with the same settings and clock.
    pub(crate) fn another_node(&self) -> TokenServer {
        self.another_node_at(self.clock.clone())
    }

    /// Like [`World::another_node`], with another clock.
    pub(crate) fn another_node_at(&self, clock: Clock) -> TokenServer {
        let base = Base {
            settings: self.settings.clone(),
            ..base(self.database.open(), clock)
        };
        TokenServer::new(&base, Users::new(&base), Devices::new(&base), options())
    }

    /// Changes the settings.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.load().as_ref().clone();
        change(&mut settings);
        self.settings.replace(settings);
    }

    /// Changes the general settings of mobile authentication.
    pub(crate) fn configure_general(&self, change: impl FnOnce(&mut MobileAuthentication)) {
        self.configure(|settings| change(Arc::make_mut(&mut settings.mobile_authentication)));
    }

    /// Changes the status of a version of the application `bank`.
    pub(crate) fn set_status(&self, version: &str, status: VersionStatus) {
        self.configure(|settings| {
            let application = settings
                .applications
                .get_mut(&"bank".parse().expect("an id"))
                .expect("the bank");
            for candidate in &mut Arc::make_mut(application).versions {
                if candidate.version == version {
                    candidate.status = status;
                }
            }
        });
    }

    /// Registers an Android device of the application `bank`.
    pub(crate) async fn install(&self) -> Installation {
        self.install_with(&json!({})).await
    }

    /// Registers a device with changed metadata.
    pub(crate) async fn install_with(&self, changes: &Value) -> Installation {
        let key = new_key();
        let registered = self
            .devices
            .register(parse(&metadata(key.public(), changes)), SOURCE, None)
            .await
            .expect("registered");

        Installation {
            key,
            device: registered.device,
            registration_token: registered.registration_access_token,
        }
    }

    /// Registers an Android device and enrols a user's keys.
    pub(crate) async fn install_and_enrol(&self, user: &UserId) -> Installation {
        let installation = self.install().await;
        self.devices
            .enrol(installation.id(), user, *new_key().public())
            .await
            .expect("enrolled");

        installation
    }

    /// The types of a user's events, sorted, because events of the same moment have no order.
    pub(crate) async fn events_of(&self, user: &UserId) -> Vec<String> {
        let user = user.clone();
        let find = move |connection: &mut _| {
            queries::events::find_latest_events_of_user(connection, user.as_str(), 100)
        };
        let events = self.store.read(find).await.expect("events");
        let mut types: Vec<String> = events.into_iter().map(|event| event.event_type).collect();
        types.sort();

        types
    }
}

fn base(store: Store, clock: Clock) -> Base {
    Base {
        clock,
        ..Base::new(store, Keyring::new(&[7; 32]))
    }
}

fn options() -> OAuthOptions {
    OAuthOptions {
        issuer: ISSUER.parse().expect("a URL"),
        login_url: Some("https://portal.example/login".parse().expect("a URL")),
        consent_url: Some("https://portal.example/consent".parse().expect("a URL")),
        built_in_pages: false,
        documents: Documents::new(&Egress::default()).expect("an HTTP client"),
    }
}

/// A device of a mobile application with its credentials.
pub(crate) struct Installation {
    pub(crate) key: PrivateJwk,
    pub(crate) device: Device,
    pub(crate) registration_token: SecretString,
}

impl Installation {
    pub(crate) fn id(&self) -> &DeviceId {
        &self.device.id
    }

    /// A client assertion that is valid except for `changes`.
    pub(crate) fn assertion(&self, now: Timestamp, changes: &Value) -> Credentials {
        credentials_by(&self.key, self.id().as_str(), now, changes)
    }

    /// A request for the device's own token.
    pub(crate) fn device_token_request(&self, now: Timestamp) -> TokenRequest {
        client_credentials(self.assertion(now, &json!({})))
    }
}

pub(crate) fn client_credentials(credentials: Credentials) -> TokenRequest {
    TokenRequest::new(credentials, "client_credentials")
}

pub(crate) fn credentials_by(
    key: &PrivateJwk,
    client_id: &str,
    now: Timestamp,
    changes: &Value,
) -> Credentials {
    let jti: [u8; 16] = countersign::random::bytes(&SystemRandom);
    let mut claims = json!({
        "iss": client_id, "sub": client_id, "aud": format!("{ISSUER}/oauth/token"), "iat": now.as_secs(),
        "exp": now.as_secs() + 60, "jti": format!("{jti:?}"),
    });
    merge(&mut claims, changes);
    let assertion = jws::sign(key, None, claims.to_string().as_bytes()).expect("signed");
    let presented = PresentedCredentials {
        client_assertion_type: Some(CLIENT_ASSERTION_TYPE.to_owned()),
        client_assertion: Some(secret(&assertion)),
        ..PresentedCredentials::default()
    };

    Credentials::from_request(presented).expect("credentials")
}

pub(crate) fn secret_of(client_id: &str, client_secret: &str) -> Credentials {
    Credentials::Secret {
        client_id_as_sent: None,
        client_id: client_id.to_owned(),
        client_secret: secret(client_secret).into(),
    }
}

pub(crate) fn new_key() -> PrivateJwk {
    PrivateJwk::generate(&SystemRandom).expect("a key")
}

pub(crate) fn user(name: &str) -> UserId {
    name.parse().expect("a user id")
}

/// The metadata of an Android device of the application `bank`, changed.
pub(crate) fn metadata(key: &PublicJwk, changes: &Value) -> Value {
    let mut metadata = json!({
        "software_id": "bank", "software_version": "1.0", "platform": "android", "device_name": "A phone",
        "jwks": { "keys": [key] }, "token_endpoint_auth_method": "private_key_jwt",
    });
    merge(&mut metadata, changes);
    metadata
}

pub(crate) fn parse(metadata: &Value) -> ClientMetadata {
    ClientMetadata::from_json(metadata.to_string().as_bytes()).expect("metadata")
}

fn merge(object: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().expect("changes are members") {
        object[name] = value.clone();
    }
}

fn some_settings(client_key: PublicJwk) -> Settings {
    let bank = Application {
        name: "Demo Bank".to_owned(),
        redirect_uris: vec![
            "bank://login".to_owned(),
            "https://bank.example/cb?x=1".to_owned(),
        ],
        pin: PinSettings {
            enabled: true,
            max_attempts: 3,
        },
        fingerprint: Enabled { enabled: false },
        custom_authenticators: ["face".to_owned()].into(),
        versions: vec![
            version(
                Platform::Android,
                "1.0",
                VersionStatus::LoginRegistration,
                Some("fcm"),
            ),
            version(
                Platform::Android,
                "1.1",
                VersionStatus::LoginRegistration,
                None,
            ),
            version(
                Platform::Android,
                "0.9",
                VersionStatus::LoginOnly,
                Some("fcm"),
            ),
            version(
                Platform::Android,
                "0.1",
                VersionStatus::Disabled,
                Some("fcm"),
            ),
            version(
                Platform::Ios,
                "1.0",
                VersionStatus::LoginRegistration,
                Some("apns"),
            ),
        ],
        ..Application::new("bank".parse().expect("an id"))
    };

    let shop = Application {
        id: "shop".parse().expect("an id"),
        name: "Shop".to_owned(),
        versions: vec![version(
            Platform::Android,
            "1.0",
            VersionStatus::LoginRegistration,
            Some("fcm"),
        )],
        ..bank.clone()
    };

    let clients = [
        (
            "portal",
            ClientCredential::SecretHash(sha256(b"portal secret")),
        ),
        ("keyed", ClientCredential::PublicKey(client_key.to_json())),
    ];

    Settings {
        applications: [bank, shop]
            .map(|application| (application.id.clone(), Arc::new(application)))
            .into(),
        api_clients: clients
            .map(|(id, credential)| api_client(id, credential))
            .into(),
        push_configurations: [
            ("fcm".to_owned(), Arc::new(fcm())),
            ("apns".to_owned(), Arc::new(apns())),
        ]
        .into(),
        ..Settings::default()
    }
}

fn api_client(id: &str, credential: ClientCredential) -> (ClientId, Arc<ApiClient>) {
    let client_id: ClientId = id.parse().expect("an id");
    (
        client_id.clone(),
        Arc::new(ApiClient::new(
            client_id,
            credential,
            [Permission::UserAuthentication],
        )),
    )
}

fn version(
    platform: Platform,
    name: &str,
    status: VersionStatus,
    push: Option<&str>,
) -> ApplicationVersion {
    ApplicationVersion {
        platform,
        version: name.to_owned(),
        status,
        push_configuration: push.map(ToOwned::to_owned),
        apns_environment: countersign::settings::ApnsEnvironment::Development,
        bundle_id: Some("com.example.bank".to_owned()),
    }
}

fn fcm() -> PushConfiguration {
    PushConfiguration {
        name: "fcm".to_owned(),
        platform: Platform::Android,
        service: PushService::from_name("fcm").unwrap(),
        credentials: [("service_account", secret("{}"))].into_iter().collect(),
        endpoint: None,
        ca_certificate: None,
    }
}

fn apns() -> PushConfiguration {
    PushConfiguration {
        name: "apns".to_owned(),
        platform: Platform::Ios,
        service: PushService::from_name("apns").unwrap(),
        credentials: [
            ("team_id", secret("T")),
            ("key_id", secret("K")),
            ("auth_key", secret("")),
        ]
        .into_iter()
        .collect(),
        endpoint: None,
        ca_certificate: None,
    }
}

/// The transport of this name.
pub(crate) fn transport(name: &str) -> Transport {
    Transport::from_name(name).expect("a transport")
}
