//! The program as a child process, which can be configured, started, killed and restarted.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use countersign::clock::Clock;
use countersign::sandbox::{Sandbox, SandboxOptions};
use countersign::store::DatabaseUrl;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::sync::watch;
use url::Url;

use super::databases::Database;
use super::server::{CLIENT_ID, CLIENT_SECRET};
use super::temporary::TemporaryDirectory;

/// 32 bytes.
pub(crate) const MASTER_KEY: &str = "RG9lc05vdE1hdHRlckJ1dElzMzJCeXRlc0xvbmchISE=";
/// The login page. Nothing answers there.
pub(crate) const LOGIN_URL: &str = "https://portal.example/login";
const LOG_TIMEOUT: Duration = Duration::from_secs(60);

/// A database, settings that use a sandbox, and the environment variables of the program.
pub(crate) struct Installation {
    pub(crate) sandbox: Sandbox,
    _database: Database,
    pub(crate) public_url: Url,
    directory: TemporaryDirectory,
    variables: Vec<(&'static str, String)>,
}

impl Installation {
    /// A device with the settings of `support/settings.toml`.
    pub(crate) fn new(database: Database) -> Self {
        Self::with_clock(database, Clock::system())
    }

    /// Like [`Installation::new`], with another clock for the sandbox's delays.
    pub(crate) fn with_clock(database: Database, clock: Clock) -> Self {
        Self::configured(database, clock, include_str!("settings.toml"))
    }

    /// A device with other settings, which may refer to the sandbox's push configurations and
    /// to the file `website-secret`.
    pub(crate) fn configured(database: Database, clock: Clock, settings: &str) -> Self {
        let sandbox = Sandbox::start(SandboxOptions {
            clock,
            ..SandboxOptions::default()
        })
        .unwrap();

        let directory = TemporaryDirectory::new();
        sandbox.write_files(directory.path()).unwrap();
        std::fs::write(directory.path().join("website-secret"), CLIENT_SECRET).unwrap();
        let settings = sandbox.apply_file() + settings;
        std::fs::write(directory.path().join("settings.toml"), settings).unwrap();

        let public_address = free_address();

        let database_url = match database.url() {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.expose().to_owned(),
        };

        let public_url = format!("http://{public_address}");
        let variables = vec![
            ("COUNTERSIGN_SERVER__PUBLIC_ADDRESS", public_address),
            ("COUNTERSIGN_SERVER__PUBLIC_URL", public_url.clone()),
            (
                "COUNTERSIGN_SERVER__MANAGEMENT_ADDRESS",
                "127.0.0.1:0".to_owned(),
            ),
            ("COUNTERSIGN_LOGIN__LOGIN_URL", LOGIN_URL.to_owned()),
            ("COUNTERSIGN_DATABASE__URL", database_url),
            ("COUNTERSIGN_SECRETS__MASTER_KEY", MASTER_KEY.to_owned()),
            ("COUNTERSIGN_LOGS__FORMAT", "json".to_owned()),
        ];

        let installation = Self {
            sandbox,
            _database: database,
            public_url: public_url.parse().unwrap(),
            directory,
            variables,
        };

        installation.run(&["migrate"]);
        installation.run(&["apply", "settings.toml"]);

        installation
    }

    /// Adds an environment variable.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Runs a command that must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) {
        let output = self.command("", arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Starts the server and waits until it is ready.
    pub(crate) async fn serve(&self) -> Process {
        self.serve_limited("").await
    }

    /// Like [`Installation::serve`], after shell commands that set limits.
    pub(crate) async fn serve_limited(&self, limits: &str) -> Process {
        let mut child = self
            .command(limits, &["serve"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();

        let mut process = Process {
            log: Log::read(child.stderr.take().unwrap()),
            child,
            public_url: self.public_url.clone(),
            management_url: self.public_url.clone(),
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
        };

        let record = process.log.wait_for("countersign is listening").await;
        let address = record["management"].as_str().unwrap();
        process.management_url = format!("http://{address}").parse().unwrap();

        assert_eq!(process.manage("/readyz").await.status(), 200);

        process
    }

    /// The program replaces the shell, so the child's process id is the program's.
    fn command(&self, limits: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("{limits}\nexec \"$0\" \"$@\""),
            env!("CARGO_BIN_EXE_countersign"),
        ]);

        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .stdin(Stdio::null());

        command.envs(self.variables.iter().map(|(name, value)| (name, value)));

        command
    }
}

/// A running server. Dropping it kills it.
pub(crate) struct Process {
    pub(crate) log: Log,
    http: reqwest::Client,
    child: Child,
    public_url: Url,
    pub(crate) management_url: Url,
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) const fn public_url(&self) -> &Url {
        &self.public_url
    }

    /// A request to the public listener, as the API client `website`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path)
            .basic_auth(CLIENT_ID, Some(CLIENT_SECRET))
    }

    /// A request to the public listener without credentials.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, self.public_url.join(path).unwrap())
    }

    /// The response of the management listener.
    pub(crate) async fn manage(&self, path: &str) -> Response {
        self.http
            .get(self.management_url.join(path).unwrap())
            .send()
            .await
            .unwrap()
    }

    /// Sends a signal: `TERM` like a service manager, or `KILL`, after which it cannot finish
    /// anything.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end. Returns the exit status and the whole log.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        tokio::task::spawn_blocking(move || (self.child.wait().unwrap(), self.log.finish()))
            .await
            .unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The log that a process writes to standard error.
pub(crate) struct Log {
    text: Arc<Mutex<String>>,
    lines: watch::Receiver<usize>,
    reader: Option<JoinHandle<()>>,
}

impl Log {
    fn read(stream: ChildStderr) -> Self {
        let (text, (read, lines)) = (Arc::<Mutex<String>>::default(), watch::channel(0));
        let shared = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                *shared.lock().unwrap() += &(line + "\n");
                read.send_modify(|lines| *lines += 1);
            }
        });

        Self {
            text,
            lines,
            reader: Some(reader),
        }
    }

    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Waits for the first record whose message starts with this text.
    pub(crate) async fn wait_for(&mut self, message: &str) -> Value {
        let found = async {
            loop {
                self.lines.mark_unchanged();
                let text = self.text();
                let mut records = text
                    .lines()
                    .filter_map(|line| serde_json::from_str::<Value>(line).ok());
                if let Some(record) = records.find(|record| {
                    record["message"]
                        .as_str()
                        .is_some_and(|text| text.starts_with(message))
                }) {
                    return record;
                }

                assert!(
                    self.lines.changed().await.is_ok(),
                    "the process ended before it logged {message:?}: {text}"
                );
            }
        };

        tokio::time::timeout(LOG_TIMEOUT, found)
            .await
            .expect("the record is logged in time")
    }

    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}

/// A free address. The port stays the same when the server is restarted.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}
