//! What the demo runs on: a temporary folder with all files, the sandbox and the server.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use super::fixtures;
use super::transcript::Transcript;
use crate::cli::apply;
use crate::cli::assembly;
use crate::cli::common::CliResult;
use crate::config::Config;
use crate::random::{self, SystemRandom};
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::secret::SecretString;
use crate::server::{Listeners, RunningServer};

/// The documented ports, used if they are free.
const PUBLIC_PORT: u16 = 8080;
const MANAGEMENT_PORT: u16 = 8081;

pub(super) struct Environment {
    folder: PathBuf,
    config: Config,
    sandbox: Sandbox,
    server: RunningServer,
    secrets: BTreeMap<&'static str, SecretString>,
}

impl Environment {
    /// Writes the files, applies the settings and starts the server.
    pub(super) async fn start() -> CliResult<Self> {
        let folder = make_folder()?;
        let sandbox = Sandbox::start(SandboxOptions::default())?;
        sandbox.write_files(&folder)?;

        let secret =
            || SecretString::new(URL_SAFE_NO_PAD.encode(random::bytes::<32>(&SystemRandom)));
        let secrets = BTreeMap::from(fixtures::CLIENTS.map(|client| (client, secret())));
        for (client, secret) in &secrets {
            fs::write(folder.join(format!("{client}-secret")), secret.expose())?;
        }

        fs::write(
            folder.join("settings.toml"),
            sandbox.apply_file() + include_str!("settings.toml"),
        )?;

        // The sockets are bound before the file is written, because it names their ports.
        let (public, management) = (bind(PUBLIC_PORT)?, bind(MANAGEMENT_PORT)?);
        fs::write(
            folder.join("server.toml"),
            server_toml(&public, &management, &sandbox)?,
        )?;

        let config = Config::load(Some(&folder.join("server.toml")), [])?;
        let base = assembly::open(&config).await?;
        let settings = apply::read(&folder.join("settings.toml"))?;
        apply::apply(&base.stored_settings(), &settings).await?;

        let listeners = Listeners { public, management };
        let server = assembly::serve(base, &config, listeners).await?;

        Ok(Self {
            folder,
            config,
            sandbox,
            server,
            secrets,
        })
    }

    /// Writes the addresses of all parts.
    pub(super) fn write_overview(&self, transcript: &mut Transcript<impl Write>) -> io::Result<()> {
        let endpoints = self.sandbox.endpoints();
        transcript.part("Countersign demo")?;

        for (name, place) in [
            ("public", self.public_url().as_str()),
            (
                "management",
                &format!("http://{}/", self.server.management_address),
            ),
            ("files", &self.folder.display().to_string()),
            ("sandbox FCM", &endpoints.fcm),
            ("sandbox Twilio", &endpoints.twilio),
            ("sandbox website", &endpoints.website),
        ] {
            transcript.note(&format!("{name:<16} {place}"))?;
        }

        Ok(())
    }

    /// Writes commands for experiments by hand.
    pub(super) fn write_next_steps(
        &self,
        transcript: &mut Transcript<impl Write>,
    ) -> io::Result<()> {
        let url = self.public_url().as_str().trim_end_matches('/');
        let curl_as = |client| format!("curl -u {client}:{}", self.secret(client).expose());
        let users = format!("{url}/oauth/api/v4/authenticate/user");

        let program = std::env::current_exe().unwrap_or_else(|_| "countersign".into());
        let phone = format!(
            "{} phone --state {}",
            program.display(),
            self.phone_file().display()
        );

        transcript.part("The server keeps running; Ctrl-C stops it")?;

        transcript.text(&format!(
            "
Send {user} a push and answer it on her phone (from another terminal):
  {curl} {users} -d type=login -d user_id={user} -d 'message=Pay 10 euros?'
  {phone} watch
  {phone} accept TRANSACTION_ID
  {curl} '{url}/oauth/api/v4/authenticate/transaction/TRANSACTION_ID?wait=30'

Send a text message, read it, verify the code:
  {curl} {users} -d type=sms -d user_id={user} -d phone_number=%2B15005550011
  curl '{control}/sandbox/messages?to=%2B15005550011'
  {curl} {users}/{user}/sms -d transaction_id=TRANSACTION_ID -d sms_code=CODE

Get new tokens for {user} (her PIN is {pin}), and one for a service:
  {phone} status
  {phone} refresh {user}
  {shop} {url}/oauth/token -d grant_type=client_credentials -d resource={audience}

More:
  curl http://{management}/readyz
  http://{management}/docs
  {files}",
            curl = curl_as(fixtures::WEBSITE),
            shop = curl_as(fixtures::SHOP),
            user = fixtures::USER,
            pin = fixtures::PIN,
            audience = fixtures::ORDERS_AUDIENCE,
            control = self.sandbox.endpoints().control,
            management = self.server.management_address,
            files = self.folder.display(),
        ))
    }

    /// The state file of the demo's phone, for `countersign phone --state`.
    pub(super) fn phone_file(&self) -> PathBuf {
        self.folder.join("phone.json")
    }

    pub(super) fn public_url(&self) -> &Url {
        &self.config.server.public_url
    }

    /// The secret of one of the demo's clients.
    pub(super) fn secret(&self, client: &str) -> SecretString {
        self.secrets.get(client).cloned().unwrap_or_default()
    }

    pub(super) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Stops the server, then the application behind it, and returns the folder. Blocks until
    /// requests in flight have ended.
    pub(super) fn stop(self) -> io::Result<PathBuf> {
        self.server.stop()?;
        Ok(self.folder)
    }
}

/// Creates a folder that only its owner can read: it will hold secrets.
fn make_folder() -> io::Result<PathBuf> {
    let name = URL_SAFE_NO_PAD.encode(random::bytes::<6>(&SystemRandom));
    let folder = std::env::temp_dir().join(format!("countersign-demo-{name}"));

    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder)?;

    Ok(folder)
}

/// Listens on the port if it is free, else on any free one.
fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
}

fn server_toml(
    public: &TcpListener,
    management: &TcpListener,
    sandbox: &Sandbox,
) -> io::Result<String> {
    let (public, management, website) = (
        public.local_addr()?,
        management.local_addr()?,
        &sandbox.endpoints().website,
    );

    Ok(format!(
        r#"[server]
public_address = "{public}"
management_address = "{management}"
public_url = "http://{public}"

[database]
url = "sqlite:countersign.db"

[login]
login_url = "{website}/login"
"#
    ))
}
