//! A whole server on loopback, with providers in process that accept every message.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::app::{AppOptions, AppState};
use countersign::base::Base;
use countersign::config::Config;
use countersign::egress::ProviderFailure;
use countersign::ids::{ApplicationId, ClientId, UserId};
use countersign::phone::{ApiUserAgent, Connection, Phone, PhoneProfile, PushTransport};
use countersign::push::{PushDestination, PushMessage, PushSender};
use countersign::sandbox::Sandbox;
use countersign::secret::{Keyring, SecretString, sha256};
use countersign::server::{self, Listeners, RunningServer};
use countersign::settings::{
    ApiClient, Application, ApplicationVersion, AuthenticationMethod, AuthenticationType,
    ClientCredential, GrantType, MobileAuthentication, Permission, Platform, Settings,
    SmsConfiguration, TokenFormat, TokenPolicy, VersionStatus, WebClient,
};
use countersign::sms::{SmsMessage, SmsSender};
use countersign::store::{DatabaseUrl, Store, StoreOptions};
use futures_util::future::BoxFuture;

pub const CLIENT_ID: &str = "website";
/// The application whose users have PINs.
pub const PIN_APPLICATION: &str = "vault";
pub const CLIENT_SECRET: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const KEY: [u8; 32] = [1; 32];

/// Accepts every message.
struct AcceptingProvider;

impl SmsSender for AcceptingProvider {
    fn send<'a>(
        &'a self,
        _: &'a SmsConfiguration,
        _: &'a SmsMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl PushSender for AcceptingProvider {
    fn send<'a>(
        &'a self,
        _: &'a PushDestination,
        _: &'a PushMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

pub struct World {
    pub app: AppState,
    pub keyring: Arc<Keyring>,
    pub address: SocketAddr,
    people: AtomicUsize,
    server: RunningServer,
}

impl World {
    /// Starts a server on this database. Text messages go to the sandbox's Twilio if there is one.
    pub fn start(url: DatabaseUrl, twilio: Option<&Sandbox>) -> Self {
        let listen = || TcpListener::bind("127.0.0.1:0").expect("a free port");
        let listeners = Listeners {
            public: listen(),
            management: listen(),
        };
        let address = listeners.public.local_addr().expect("an address");
        let config = config(&format!("http://{address}"));
        let app = app(url, twilio, &config);
        let server = server::start(app.clone(), listeners, &config).expect("the server starts");

        Self {
            app,
            keyring: Arc::new(Keyring::new(&KEY)),
            address: server.public_address,
            people: AtomicUsize::new(0),
            server,
        }
    }

    pub fn stop(self) {
        self.server.stop().expect("the server stops");
    }

    /// Another user, with a phone that polls.
    pub async fn person(&self) -> (UserId, Phone) {
        let connection =
            || Connection::new(&format!("http://{}", self.address).parse().unwrap()).unwrap();
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        let user = UserId::new(&format!("person{number}")).unwrap();

        let phone = Phone::register(connection(), &PhoneProfile::new("bank", "1.0", "android"))
            .await
            .unwrap();

        let login_page = ApiUserAgent::new(
            connection(),
            CLIENT_ID,
            SecretString::new(CLIENT_SECRET.to_owned()),
        );

        phone
            .log_in(&login_page, &user, "bank://login")
            .await
            .unwrap();

        phone.enrol(&user).await.unwrap();
        phone.enrol_push(&user, PushTransport::Poll).await.unwrap();

        (user, phone)
    }
}

pub fn config(public_url: &str) -> Config {
    let mut config = Config::default();
    config.server.public_url = public_url.parse().expect("a URL");
    config.server.shutdown_timeout_seconds = 5;
    config.login.login_url = Some("https://portal.example/login".parse().expect("a URL"));
    config
}

/// Everything except the HTTP server.
pub fn app(url: DatabaseUrl, twilio: Option<&Sandbox>, config: &Config) -> AppState {
    let store = Store::open(&StoreOptions::new(url)).expect("the database opens");
    store.migrate().expect("the schema is made");
    let base = Base::new(store, Keyring::new(&KEY));
    base.settings.replace(all_settings(twilio));

    let mut options = AppOptions::new(&base, config).expect("HTTP clients");
    options.push = Arc::new(AcceptingProvider);

    if twilio.is_none() {
        options.sms = Arc::new(AcceptingProvider);
    }

    AppState::start(base, options).expect("the server's parts start")
}

fn all_settings(twilio: Option<&Sandbox>) -> Settings {
    let mut settings = Settings::default();
    let client_id = ClientId::new(CLIENT_ID).unwrap();
    let credential = ClientCredential::SecretHash(sha256(CLIENT_SECRET.as_bytes()));

    let permissions = [
        Permission::MobileAuthentication,
        Permission::UserAuthentication,
        Permission::TokenIntrospection,
        Permission::ListUsersOtherClients,
    ];

    let administers = ["shop".to_owned()].into();
    let client = ApiClient {
        administers,
        ..ApiClient::new(client_id.clone(), credential, permissions)
    };
    settings.api_clients.insert(client_id, Arc::new(client));

    for (name, method) in [
        ("push", AuthenticationMethod::Push),
        ("sms", AuthenticationMethod::Sms),
    ] {
        let configured = AuthenticationType {
            name: name.to_owned(),
            method,
            time_to_live_seconds: 600,
            max_attempts: 3,
            max_resends: 1,
            default_messages: [("en".to_owned(), "Approve {code}?".to_owned())].into(),
            sender_id: None,
            web_origin: None,
        };

        settings
            .authentication_types
            .insert(name.to_owned(), Arc::new(configured));
    }

    settings.sms = Some(Arc::new(gateway(twilio)));

    for (name, pin) in [("bank", false), (PIN_APPLICATION, true)] {
        let id = ApplicationId::new(name).unwrap();
        settings
            .applications
            .insert(id.clone(), Arc::new(application(id, pin)));
    }

    for (name, format) in [
        ("shop", TokenFormat::Opaque),
        ("shop-jwt", TokenFormat::Jwt),
    ] {
        let client = web_client(name, format);
        settings
            .web_clients
            .insert(client.client_id.clone(), Arc::new(client));
    }

    settings.mobile_authentication = Arc::new(MobileAuthentication {
        prompts_per_5_minutes_max: 1_000_000,
        prompts_per_hour_max: 1_000_000,
        sms_per_number_per_hour_max: 1_000_000_000,
        sms_per_user_per_hour_max: 1_000_000_000,
        sms_per_client_per_minute_max: 1_000_000_000,
        sms_per_minute_max: 1_000_000_000,
        ..MobileAuthentication::default()
    });

    settings
}

fn gateway(twilio: Option<&Sandbox>) -> SmsConfiguration {
    let Some(sandbox) = twilio else {
        return SmsConfiguration::Http {
            endpoint: "http://127.0.0.1:1".parse().unwrap(),
            credentials: None,
        };
    };

    let credentials = sandbox.credentials();
    SmsConfiguration::Twilio {
        account_sid: credentials.twilio_account_sid.clone(),
        auth_token: SecretString::new(credentials.twilio_auth_token.clone()),
        from_number: credentials.twilio_from_number.clone(),
        endpoint: Some(sandbox.endpoints().twilio.parse().unwrap()),
    }
}

fn web_client(name: &str, access_token_format: TokenFormat) -> WebClient {
    let credential = ClientCredential::SecretHash(sha256(CLIENT_SECRET.as_bytes()));

    WebClient {
        redirect_uris: vec!["https://shop.example/cb".to_owned()],
        grant_types: GrantType::ALL.into(),
        scopes: ["orders".to_owned()].into(),
        skip_consent: true,
        tokens: TokenPolicy {
            access_token_format,
            ..TokenPolicy::default()
        },
        ..WebClient::new(ClientId::new(name).unwrap(), Some(credential))
    }
}

fn application(id: ApplicationId, pin: bool) -> Application {
    Application {
        name: "Bank".to_owned(),
        redirect_uris: vec!["bank://login".to_owned()],
        pin: countersign::settings::PinSettings {
            enabled: pin,
            max_attempts: 3,
        },
        fingerprint: countersign::settings::Enabled { enabled: false },
        custom_authenticators: Default::default(),
        versions: vec![ApplicationVersion {
            platform: Platform::Android,
            version: "1.0".to_owned(),
            status: VersionStatus::LoginRegistration,
            push_configuration: None,
            apns_environment: countersign::settings::ApnsEnvironment::Production,
            bundle_id: None,
        }],
        ..Application::new(id)
    }
}

/// A folder for an embedded database, which is removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("countersign-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub fn database(&self) -> DatabaseUrl {
        DatabaseUrl::Sqlite(self.0.join("bench.db"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
