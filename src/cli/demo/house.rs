//! The demo's house: a folder with every file, the sandbox and the server in it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use super::tokens;
use super::transcript::Transcript;
use crate::app::AppState;
use crate::cli::Outcome;
use crate::cli::apply;
use crate::cli::assembly::{self, Ground};
use crate::config::Config;
use crate::random::{self, SystemRandom};
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::secret::SecretString;
use crate::server::RunningServer;

/// The documented addresses, taken where they are free.
const PUBLIC_PORT: u16 = 8080;
const MANAGEMENT_PORT: u16 = 8081;
/// Those whose secrets the settings read from files.
const CLIENTS: [&str; 3] = [super::CLIENT_ID, super::SHOP, super::ORDERS_API];

/// Everything the demo runs on.
pub(super) struct House {
    folder: PathBuf,
    config: Config,
    sandbox: Sandbox,
    app: AppState,
    server: RunningServer,
    secrets: BTreeMap<&'static str, SecretString>,
}

impl House {
    /// Writes the files, applies the settings and starts to serve.
    pub(super) async fn open() -> Outcome<Self> {
        let folder = make_folder()?;
        let sandbox = Sandbox::start(SandboxOptions::default())?;
        sandbox.write_files(&folder)?;
        let secret =
            || SecretString::new(URL_SAFE_NO_PAD.encode(random::bytes::<32>(&SystemRandom)));
        let secrets = BTreeMap::from(CLIENTS.map(|client| (client, secret())));
        for (client, secret) in &secrets {
            fs::write(folder.join(format!("{client}-secret")), secret.expose())?;
        }

        fs::write(
            folder.join("settings.toml"),
            sandbox.apply_file() + include_str!("settings.toml"),
        )?;

        let (public, management) = (bind(PUBLIC_PORT)?, bind(MANAGEMENT_PORT)?);
        fs::write(
            folder.join("server.toml"),
            server_toml(&public, &management, &sandbox)?,
        )?;

        let config = Config::load(Some(&folder.join("server.toml")), [])?;
        let ground = Ground::open(&config).await?;
        apply::apply(
            &ground.stored_settings,
            &apply::read(&folder.join("settings.toml"))?,
        )
        .await?;

        let app = ground.build(&config).await?;
        let server = assembly::listen(&config, app.clone(), public, management)?;

        Ok(Self {
            folder,
            config,
            sandbox,
            app,
            server,
            secrets,
        })
    }

    /// Says where everything is.
    pub(super) fn introduce(&self, transcript: &mut Transcript<impl Write>) -> io::Result<()> {
        let endpoints = self.sandbox.endpoints();
        transcript.part("Countersign, the demo")?;

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

    /// How to go on by hand.
    pub(super) fn invite(&self, transcript: &mut Transcript<impl Write>) -> io::Result<()> {
        let url = self.public_url().as_str().trim_end_matches('/');
        let curl = format!("curl -u website:{}", self.secret(super::CLIENT_ID).expose());
        let shop = format!("curl -u shop:{}", self.secret(super::SHOP).expose());
        let users = format!("{url}/oauth/api/v4/authenticate/user");
        let program = std::env::current_exe().unwrap_or_else(|_| "countersign".into());
        let phone = format!(
            "{} phone --state {}",
            program.display(),
            self.phone_file().display()
        );

        transcript.part("Go on by hand; Ctrl-C ends")?;

        transcript.text(&format!(
            "
Ask {user} by push, and let her phone answer (in another terminal):
  {curl} {users} -d type=login -d user_id={user} -d 'message=Pay 10 euros?'
  {phone} watch
  {phone} accept TRANSACTION_ID
  {curl} '{url}/oauth/api/v4/authenticate/transaction/TRANSACTION_ID?wait=30'

Ask by text message, read it, type the code:
  {curl} {users} -d type=sms -d user_id={user} -d phone_number=%2B15005550011
  curl '{control}/sandbox/messages?to=%2B15005550011'
  {curl} {users}/{user}/sms -d transaction_id=TRANSACTION_ID -d sms_code=CODE

Get {user} new tokens, with the PIN {pin}; get one for a service:
  {phone} status
  {phone} refresh {user}
  {shop} {url}/oauth/token -d grant_type=client_credentials -d resource={audience}

Look around:
  curl http://{management}/readyz
  http://{management}/docs
  {files}",
            user = super::USER,
            pin = tokens::PIN,
            audience = tokens::ORDERS_AUDIENCE,
            control = self.sandbox.endpoints().control,
            management = self.server.management_address,
            files = self.folder.display(),
        ))
    }

    /// Where the demo's phone is kept for `countersign phone`.
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

    /// Stops the server, then what is behind it. Blocks.
    pub(super) fn close(self) -> io::Result<PathBuf> {
        let stopped = self.server.shutdown();
        self.app.stop();
        stopped.map(|()| self.folder)
    }
}

/// A fresh folder that its owner alone may read.
fn make_folder() -> io::Result<PathBuf> {
    let name = URL_SAFE_NO_PAD.encode(random::bytes::<6>(&SystemRandom));
    let folder = std::env::temp_dir().join(format!("countersign-demo-{name}"));
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder)?;
    Ok(folder)
}

/// The port, or any free one.
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
