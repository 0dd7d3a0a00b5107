//! A whole server like a deployed one: configured by a file, with the sandbox as provider. It runs in
//! real time unless the test has another clock.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use countersign::app::{AppOptions, AppState};
use countersign::base::Base;
use countersign::clock::Clock;
use countersign::config::Config;
use countersign::ids::{TransactionId, UserId};
use countersign::phone::{ApiUserAgent, Connection, Phone, PhoneProfile, PushTransport};
use countersign::sandbox::{Sandbox, SandboxOptions};
use countersign::secret::Keyring;
use countersign::server::{self, Listeners, RunningServer};
use countersign::settings::{Settings, plan};
use countersign::store::Store;
use serde_json::Value;
use url::Url;

use super::databases::Database;
use super::temporary::TemporaryDirectory;

pub(crate) const APPLICATION: &str = "app";
pub(crate) const REDIRECT_URI: &str = "app://login";
pub(crate) const CLIENT_ID: &str = "website";
/// The secret of all API clients.
pub(crate) const CLIENT_SECRET: &str = "a-secret-of-the-tests-that-is-long-enough";
const MASTER_KEY: [u8; 32] = [7; 32];

/// A running server. Dropping it stops it.
pub(crate) struct TestServer {
    pub(crate) clock: Clock,
    pub(crate) sandbox: Sandbox,
    pub(crate) public_url: Url,
    pub(crate) http: reqwest::Client,
    running: Option<RunningServer>,
    folder: TemporaryDirectory,
    _database: Database,
}

impl TestServer {
    /// A server on SQLite, in real time.
    pub(crate) async fn start() -> Self {
        Self::start_on(Database::sqlite(), Clock::system()).await
    }

    pub(crate) async fn start_on(database: Database, clock: Clock) -> Self {
        let folder = TemporaryDirectory::new();

        let sandbox = Sandbox::start(SandboxOptions {
            clock: clock.clone(),
            ..SandboxOptions::default()
        })
        .unwrap();

        let listeners = Listeners {
            public: free_port(),
            management: free_port(),
        };
        let public_url = url_of(&listeners.public);
        let wanted = wanted_settings(&sandbox, folder.path());

        let config = config(&public_url);
        let app = start_app(database.store(), &clock, &config, wanted).await;
        let running = server::start(app, listeners, &config).unwrap();

        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();

        Self {
            clock,
            sandbox,
            public_url,
            http,
            running: Some(running),
            folder,
            _database: database,
        }
    }

    /// A directory that is removed with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::new(&self.public_url)
            .unwrap()
            .with_clock(self.clock.clone())
    }

    /// A login page that accepts everybody.
    pub(crate) fn login_page(&self) -> ApiUserAgent {
        ApiUserAgent::new(
            self.connection(),
            CLIENT_ID,
            CLIENT_SECRET.to_owned().into(),
        )
    }

    /// A registered phone without users.
    pub(crate) async fn phone(&self) -> Phone {
        Phone::register(
            self.connection(),
            &PhoneProfile::new(APPLICATION, "1.0", "android"),
        )
        .await
        .unwrap()
    }

    /// A phone whose user is logged in and enrolled, also for push by FCM.
    pub(crate) async fn enrolled_phone(&self, user: &str) -> Phone {
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let address = format!(
            "registration-token-{}",
            COUNT.fetch_add(1, Ordering::Relaxed)
        );

        let (phone, user): (_, UserId) = (self.phone().await, user.parse().unwrap());
        phone
            .log_in(&self.login_page(), &user, REDIRECT_URI)
            .await
            .unwrap();

        phone.enrol(&user).await.unwrap();

        phone
            .enrol_push(&user, PushTransport::Fcm(address.into()))
            .await
            .unwrap();

        phone
    }

    /// A request to the public listener, as the API client `website`.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = self.public_url.join(path).unwrap();
        self.http
            .request(method, url)
            .basic_auth(CLIENT_ID, Some(CLIENT_SECRET))
    }

    /// Starts a transaction and returns the whole response.
    pub(crate) async fn post_start(&self, form: &[(&str, &str)]) -> Value {
        let request = self
            .request(reqwest::Method::POST, "/oauth/api/v4/authenticate/user")
            .form(form);
        let response = request.send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, 200, "{body}");

        body
    }

    /// Starts a transaction.
    pub(crate) async fn start_transaction(&self, form: &[(&str, &str)]) -> TransactionId {
        self.post_start(form).await["transaction_id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Starts a push.
    pub(crate) async fn start_push(&self, user: &str) -> TransactionId {
        self.start_transaction(&[("type", "login"), ("user_id", user), ("message", "Pay?")])
            .await
    }

    /// The result of a transaction.
    pub(crate) async fn result(&self, id: TransactionId) -> Value {
        let path = format!("/oauth/api/v4/authenticate/transaction/{id}");
        self.request(reqwest::Method::GET, &path)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let stopped = self.running.take().map(RunningServer::stop);
        if !std::thread::panicking() {
            assert!(
                matches!(stopped, Some(Ok(()))),
                "the server did not stop properly: {stopped:?}"
            );
        }
    }
}

fn config(public_url: &Url) -> Config {
    let mut config = Config::default();
    config.server.public_url = public_url.clone();
    config.server.workers = 1;
    config.server.shutdown_timeout_seconds = 5;
    config.login.login_url = Some("http://127.0.0.1:9/login".parse().unwrap());

    config
}

async fn start_app(store: Store, clock: &Clock, config: &Config, wanted: Settings) -> AppState {
    let base = Base {
        clock: clock.clone(),
        ..Base::new(store, Keyring::new(&MASTER_KEY))
    };
    let stored = base.stored_settings();
    stored.check_master_key().await.unwrap();

    stored
        .apply(&plan(&Settings::default(), &wanted), 0)
        .await
        .unwrap();

    base.settings.replace(stored.load().await.unwrap());

    let options = AppOptions {
        arbiters: 1,
        ..AppOptions::new(&base, config).unwrap()
    };
    AppState::start(base, options).unwrap()
}

fn wanted_settings(sandbox: &Sandbox, folder: &Path) -> Settings {
    sandbox.write_files(folder).unwrap();
    std::fs::write(folder.join("website-secret"), CLIENT_SECRET).unwrap();
    let text = sandbox.apply_file() + include_str!("settings.toml");
    Settings::from_toml(&text, folder, &|_| None).unwrap()
}

fn free_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn url_of(listener: &TcpListener) -> Url {
    format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap()
}
