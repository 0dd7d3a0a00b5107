//! A whole server on free loopback ports, with scripted push and SMS providers in process and a
//! manual clock.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::app::{AppOptions, AppState};
use countersign::base::Base;
use countersign::callbacks::CallbackState;
use countersign::clock::{Clock, Timestamp};
use countersign::config::Config;
use countersign::egress::{Cause, FailureKind, ProviderFailure};
use countersign::ids::{ApplicationId, ClientId};
use countersign::push::{Credentials, PushDestination, PushMessage, PushSender, PushService};
use countersign::random::{Random, SystemRandom};
use countersign::secret::{Keyring, sha256};
use countersign::server::{self, Listeners, RunningServer};
use countersign::settings::{
    ApiClient, Application, ApplicationVersion, AuthenticationMethod, AuthenticationType,
    CallbackEndpoint, ClientCredential, MobileAuthentication, Permission, Platform,
    PushConfiguration, Settings, SmsConfiguration, VersionStatus,
};
use countersign::sms::{SmsMessage, SmsSender};
use countersign::store::Store;
use countersign::store::journal::Entry;
use countersign::telemetry::Gauge;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::databases::Database;

pub(crate) const WEBSITE: (&str, &str) = ("website", "website-secret-of-the-tests");
pub(crate) const OTHER_WEBSITE: (&str, &str) = ("other-website", "other-website-secret-of-tests");
pub(crate) const LOGIN_PAGE: (&str, &str) = ("login-page", "login-page-secret-of-the-tests");
pub(crate) const LISTER: (&str, &str) = ("lister", "lister-secret-of-the-tests");
pub(crate) const PORTAL: (&str, &str) = ("portal", "portal-secret-of-the-tests");
pub(crate) const ADMINISTRATOR: (&str, &str) = ("administrator", "administrator-secret-of-tests");
pub(crate) const GATEWAY: (&str, &str) = ("gateway", "gateway-secret-of-the-tests");
/// The initial time of the clock.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A provider that accepts messages, or fails as scripted, or holds messages until it is released.
pub(crate) struct Provider<M> {
    attempts: AtomicUsize,
    accepted: Mutex<Vec<M>>,
    script: Mutex<VecDeque<ProviderFailure>>,
    answers_to_lose: AtomicUsize,
    holding: AtomicBool,
    released: Notify,
    changed: Notify,
}

impl<M: Clone> Provider<M> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            attempts: AtomicUsize::new(0),
            accepted: Mutex::default(),
            script: Mutex::default(),
            answers_to_lose: AtomicUsize::new(0),
            holding: AtomicBool::new(false),
            released: Notify::new(),
            changed: Notify::new(),
        })
    }

    /// Makes the next attempts fail like this.
    pub(crate) fn fail(&self, failures: impl IntoIterator<Item = ProviderFailure>) {
        self.script.lock().unwrap().extend(failures);
    }

    /// Accepts the next messages without anybody hearing of it.
    pub(crate) fn lose_answers(&self, count: usize) {
        self.answers_to_lose.store(count, Ordering::SeqCst);
    }

    /// Holds all messages until [`Provider::release`].
    pub(crate) fn hold(&self) {
        self.holding.store(true, Ordering::SeqCst);
    }

    pub(crate) fn release(&self) {
        self.holding.store(false, Ordering::SeqCst);
        self.released.notify_waiters();
    }

    /// The number of attempts to send a message, accepted or not.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(Ordering::SeqCst)
    }

    pub(crate) fn accepted(&self) -> Vec<M> {
        self.accepted.lock().unwrap().clone()
    }

    /// Waits for the message with this number, counted from 1, for up to 20 seconds.
    pub(crate) async fn wait_for(&self, count: usize) -> M {
        let reached = async {
            loop {
                let changed = self.changed.notified();
                if let Some(message) = self.accepted().get(count - 1) {
                    return message.clone();
                }
                changed.await;
            }
        };

        tokio::time::timeout(Duration::from_secs(20), reached)
            .await
            .expect("the provider receives a message")
    }

    async fn accept(&self, message: &M) -> Result<(), ProviderFailure> {
        self.attempts.fetch_add(1, Ordering::SeqCst);

        while self.holding.load(Ordering::SeqCst) {
            let released = self.released.notified();
            if self.holding.load(Ordering::SeqCst) {
                released.await;
            }
        }

        if let Some(failure) = self.script.lock().unwrap().pop_front() {
            return Err(failure);
        }

        self.accepted.lock().unwrap().push(message.clone());
        self.changed.notify_waiters();

        let one_less = |count: usize| count.checked_sub(1);
        let lost = self
            .answers_to_lose
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);

        match lost {
            Ok(_) => Err(ProviderFailure {
                provider: "test",
                kind: FailureKind::Doubtful,
                cause: Cause::TimeoutAfter,
                detail: "the answer is lost".into(),
            }),
            Err(_) => Ok(()),
        }
    }
}

impl SmsSender for Provider<SmsMessage> {
    fn send<'a>(
        &'a self,
        _: &'a SmsConfiguration,
        message: &'a SmsMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>> {
        self.accept(message).boxed()
    }
}

impl PushSender for Provider<PushMessage> {
    fn send<'a>(
        &'a self,
        _: &'a PushDestination,
        message: &'a PushMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>> {
        self.accept(message).boxed()
    }
}

/// Randomness that can panic, in the middle of whatever an actor is doing.
pub(crate) struct TestRandom {
    panicking: AtomicBool,
}

impl TestRandom {
    /// Makes the next call panic.
    pub(crate) fn panic_once(&self) {
        self.panicking.store(true, Ordering::SeqCst);
    }
}

impl Random for TestRandom {
    fn fill(&self, bytes: &mut [u8]) {
        assert!(
            !self.panicking.swap(false, Ordering::SeqCst),
            "a panic on purpose"
        );
        SystemRandom.fill(bytes);
    }
}

/// A whole server. Stop it with [`TestApp::stop`] or by dropping it.
pub(crate) struct TestApp {
    pub(crate) app: AppState,
    pub(crate) clock: Clock,
    pub(crate) sms: Arc<Provider<SmsMessage>>,
    pub(crate) push: Arc<Provider<PushMessage>>,
    pub(crate) random: Arc<TestRandom>,
    pub(crate) http: reqwest::Client,
    pub(crate) public_url: String,
    pub(crate) management_url: String,
    server: Option<RunningServer>,
    database: Option<Database>,
    settings: Settings,
    limits: Limits,
}

/// Limits that a test can lower.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) live_transactions_max: usize,
    pub(crate) requests_in_flight_max: usize,
    pub(crate) waiting_requests_max: usize,
    /// Whether to use the built-in login and consent pages.
    pub(crate) built_in_pages: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            live_transactions_max: 10_000,
            requests_in_flight_max: 1_000,
            waiting_requests_max: 100,
            built_in_pages: false,
        }
    }
}

impl TestApp {
    pub(crate) async fn start(database: Database) -> Self {
        Self::start_with(database, |_, _| ()).await
    }

    /// Like [`TestApp::start`], with changed settings and limits.
    pub(crate) async fn start_with(
        database: Database,
        adjust: impl FnOnce(&mut Settings, &mut Limits),
    ) -> Self {
        let (mut settings, mut limits) = (default_settings(), Limits::default());
        adjust(&mut settings, &mut limits);
        let store = database.store();

        let dependencies = Dependencies {
            clock: Clock::manual(START),
            sms: Provider::new(),
            push: Provider::new(),
            random: Arc::new(TestRandom {
                panicking: AtomicBool::new(false),
            }),
        };

        Self::run(Some(database), store, settings, limits, dependencies).await
    }

    async fn run(
        database: Option<Database>,
        store: Store,
        settings: Settings,
        limits: Limits,
        dependencies: Dependencies,
    ) -> Self {
        let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
        let listeners = Listeners {
            public: listen(),
            management: listen(),
        };
        let public_url = format!("http://{}", listeners.public.local_addr().unwrap());
        let config = config(&public_url, limits);

        let base = Base {
            clock: dependencies.clock.clone(),
            random: dependencies.random.clone(),
            ..Base::new(store, Keyring::new(&[7; 32]))
        };

        base.settings.replace(settings.clone());

        let options = AppOptions {
            push: dependencies.push.clone(),
            sms: dependencies.sms.clone(),
            arbiters: 2,
            ..AppOptions::new(&base, &config).unwrap()
        };

        let app = AppState::start(base, options).unwrap();
        let server = server::start(app.clone(), listeners, &config).unwrap();

        Self {
            app,
            clock: dependencies.clock,
            sms: dependencies.sms,
            push: dependencies.push,
            random: dependencies.random,
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            public_url,
            management_url: format!("http://{}", server.management_address),
            server: Some(server),
            database,
            settings,
            limits,
        }
    }

    /// Shuts the server down and returns the database.
    pub(crate) async fn stop(mut self) -> Database {
        let server = self.server.take().unwrap();
        tokio::task::spawn_blocking(move || server.stop().unwrap())
            .await
            .unwrap();
        self.database.take().unwrap()
    }

    /// Stops the server and starts another one on the same database, with the same clock and
    /// providers.
    pub(crate) async fn restart(self) -> Self {
        let (settings, limits) = (self.settings.clone(), self.limits);

        let dependencies = Dependencies {
            clock: self.clock.clone(),
            sms: Arc::clone(&self.sms),
            push: Arc::clone(&self.push),
            random: Arc::clone(&self.random),
        };

        let database = self.stop().await;
        let store = database.store();
        Self::run(Some(database), store, settings, limits, dependencies).await
    }

    /// Starts a further server on the same database, with the same clock and providers.
    pub(crate) async fn beside(&self) -> Self {
        let dependencies = Dependencies {
            clock: self.clock.clone(),
            sms: Arc::clone(&self.sms),
            push: Arc::clone(&self.push),
            random: Arc::new(TestRandom {
                panicking: AtomicBool::new(false),
            }),
        };

        let store = self.database.as_ref().unwrap().open();
        Self::run(
            None,
            store,
            self.settings.clone(),
            self.limits,
            dependencies,
        )
        .await
    }

    /// Moves the clock until the work is done, in small steps, and no faster than the database
    /// writes: a busy machine does not miss the whole lifetime of a transaction.
    pub(crate) async fn while_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        let passing = async {
            loop {
                for _ in 0..25 {
                    self.clock.advance(Duration::from_millis(2));
                    // Lets other threads see the new time.
                    tokio::task::spawn_blocking(std::thread::yield_now)
                        .await
                        .unwrap();
                }

                // Behind all that was to be written before. Where the database is away, nobody waits
                // for it either.
                let _ = self.app.base.store.commit(Entry::default()).await;
            }
        };

        tokio::select! {
            done = work => done,
            () = passing => unreachable!("time passes forever"),
        }
    }

    /// Lets this much time pass, in small steps.
    pub(crate) async fn pass(&self, time: Duration) {
        let end = self.clock.now().after(time);

        while self.clock.now() < end {
            self.clock.advance(Duration::from_millis(50));

            // What became due is done by other threads.
            for _ in 0..4 {
                tokio::task::spawn_blocking(std::thread::yield_now)
                    .await
                    .unwrap();
            }
        }
    }

    /// A request to the public listener.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.request(
            method.parse().unwrap(),
            format!("{}{path}", self.public_url),
        )
    }

    /// A website's `POST` of a form.
    pub(crate) fn post_form(&self, path: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        self.request("POST", path)
            .basic_auth(WEBSITE.0, Some(WEBSITE.1))
            .form(form)
    }

    /// A website's `GET`.
    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.request("GET", path)
            .basic_auth(WEBSITE.0, Some(WEBSITE.1))
    }
}

impl Drop for TestApp {
    /// Stops the server. A test that passes leaves nothing behind: every callback was tried, and no
    /// actor outlives the server.
    fn drop(&mut self) {
        let Some(server) = self.server.take() else {
            return;
        };
        if std::thread::panicking() {
            std::thread::spawn(move || server.stop());
            return;
        }

        let app = self.app.clone();
        let stopping = std::thread::spawn(move || {
            wait_for_callbacks(&app);
            server.stop().unwrap();

            let metrics = &app.base.metrics;
            let live = [metrics.live_transactions(), metrics.live_channels()];
            assert_eq!(
                live.map(Gauge::get),
                [0, 0],
                "actors that outlive the server: transactions, device channels"
            );
        });

        stopping.join().unwrap();
    }
}

/// Waits until every callback that is due was tried.
fn wait_for_callbacks(app: &AppState) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();

    let tried = async {
        loop {
            let due = app
                .callbacks
                .list(Some(CallbackState::Due), None, usize::MAX)
                .await
                .unwrap();

            match due.iter().find(|callback| callback.attempts == 0) {
                Some(_) => tokio::task::yield_now().await,
                None => return,
            }
        }
    };

    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(10), tried)
            .await
            .expect("a callback was never tried");
    });
}

struct Dependencies {
    clock: Clock,
    sms: Arc<Provider<SmsMessage>>,
    push: Arc<Provider<PushMessage>>,
    random: Arc<TestRandom>,
}

fn config(public_url: &str, limits: Limits) -> Config {
    let bound = |max: usize| NonZeroUsize::new(max).unwrap();
    let mut config = Config::default();
    config.server.public_url = public_url.parse().unwrap();
    config.server.workers = 2;
    config.server.shutdown_timeout_seconds = 10;
    config.limits.live_transactions_max = bound(limits.live_transactions_max);
    config.limits.requests_in_flight_max = bound(limits.requests_in_flight_max);
    config.limits.waiting_requests_max = bound(limits.waiting_requests_max);
    config.development.login_page = limits.built_in_pages;

    if !limits.built_in_pages {
        config.login.login_url = Some("https://portal.example/login".parse().unwrap());
        config.login.consent_url = Some("https://portal.example/consent".parse().unwrap());
    }

    config
}

/// The settings of a bank: push, OTP and SMS, an application for both platforms, API clients for all
/// roles.
pub(crate) fn default_settings() -> Settings {
    let mut settings = Settings {
        sms: Some(Arc::new(gateway())),
        ..Settings::default()
    };

    for ((id, secret), permissions) in [
        (WEBSITE, [Permission::MobileAuthentication]),
        (OTHER_WEBSITE, [Permission::MobileAuthentication]),
        (LOGIN_PAGE, [Permission::UserAuthentication]),
        (PORTAL, [Permission::EndUser]),
        (LISTER, [Permission::ListUsersOtherClients]),
        (ADMINISTRATOR, [Permission::Admin]),
        (GATEWAY, [Permission::TokenIntrospection]),
    ] {
        let client_id = ClientId::new(id).unwrap();
        let credential = ClientCredential::SecretHash(sha256(secret.as_bytes()));
        let client = ApiClient::new(client_id.clone(), credential, permissions);
        let client = ApiClient {
            administers: ["bank".to_owned()].into(),
            ..client
        };
        settings.api_clients.insert(client_id, Arc::new(client));
    }

    for (name, method) in [
        ("push", AuthenticationMethod::Push),
        ("otp", AuthenticationMethod::Otp),
        ("sms", AuthenticationMethod::Sms),
    ] {
        settings
            .authentication_types
            .insert(name.to_owned(), Arc::new(authentication_type(name, method)));
    }

    for platform in [Platform::Android, Platform::Ios] {
        // Never used, because the push provider is in process.
        let name = platform.as_str().to_owned();
        let configuration = PushConfiguration {
            name: name.clone(),
            platform,
            service: PushService::from_name("fcm").unwrap(),
            credentials: Credentials::default(),
            endpoint: None,
            ca_certificate: None,
        };

        settings
            .push_configurations
            .insert(name, Arc::new(configuration));
    }

    let id = ApplicationId::new("bank").unwrap();
    settings
        .applications
        .insert(id.clone(), Arc::new(application(id)));

    settings.mobile_authentication = Arc::new(MobileAuthentication {
        callback_allow_list_enabled: true,
        prompts_per_5_minutes_max: 1_000,
        prompts_per_hour_max: 1_000,
        sms_per_number_per_hour_max: 1_000_000_000,
        sms_per_user_per_hour_max: 1_000_000_000,
        sms_per_client_per_minute_max: 1_000_000_000,
        sms_per_minute_max: 1_000_000_000,
        ..MobileAuthentication::default()
    });

    settings
}

/// A callback endpoint that may be on loopback.
pub(crate) fn callback_endpoint(url: &str) -> CallbackEndpoint {
    CallbackEndpoint {
        url: url.to_owned(),
        credentials: None,
        signing_secrets: Vec::new(),
        allow_private: true,
        clients: Default::default(),
    }
}

fn gateway() -> SmsConfiguration {
    SmsConfiguration::Http {
        endpoint: "http://127.0.0.1:1/".parse().unwrap(),
        credentials: None,
    }
}

fn authentication_type(name: &str, method: AuthenticationMethod) -> AuthenticationType {
    AuthenticationType {
        name: name.to_owned(),
        method,
        time_to_live_seconds: 120,
        max_attempts: 3,
        max_resends: 1,
        default_messages: [
            ("en".to_owned(), "Approve?".to_owned()),
            ("nl".to_owned(), "Akkoord?".to_owned()),
        ]
        .into(),
        sender_id: None,
        web_origin: None,
    }
}

fn application(id: ApplicationId) -> Application {
    let version = |platform| ApplicationVersion {
        platform,
        version: "1.0".to_owned(),
        status: VersionStatus::LoginRegistration,
        push_configuration: Some(platform.as_str().to_owned()),
        apns_environment: countersign::settings::ApnsEnvironment::Development,
        bundle_id: None,
    };

    Application {
        name: "Demo Bank".to_owned(),
        redirect_uris: vec!["bank://login".to_owned()],
        pin: countersign::settings::PinSettings {
            enabled: true,
            max_attempts: 3,
        },
        fingerprint: countersign::settings::Enabled { enabled: true },
        custom_authenticators: Default::default(),
        versions: vec![version(Platform::Android), version(Platform::Ios)],
        ..Application::new(id)
    }
}
