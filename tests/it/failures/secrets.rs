//! The logs, the metrics, the errors and the database contain no secrets.

use std::path::Path;

use countersign::ids::{TransactionId, UserId};
use countersign::phone::{Connection, Phone, PhoneProfile, PushTransport};
use countersign::store::DatabaseUrl;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::Text;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{START, answer};
use crate::support::browser::Browser;
use crate::support::databases::{Database, on_both_databases};
use crate::support::process::{Installation, MASTER_KEY, Process};
use crate::support::server::{APPLICATION, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI};
use crate::transactions::wrong;

const USER: &str = "alice";
const PHONE_NUMBER: &str = "+31698765432";
const PUSH_TOKEN: &str = "canary-of-the-push-token";
const MESSAGE: &str = "canary of the message";
const SECURE_MESSAGE: &str = "canary of the secure message";
const SIGNING_DATA: &str = "Y2FuYXJ5IG9mIHRoZSBkYXRh";
const WRONG_SECRET: &str = "canary-of-a-wrong-secret";

on_both_databases!(secrets_appear_nowhere);

async fn secrets_appear_nowhere(database: Database) {
    let database_url = database.url().clone();
    let installation = Installation::new(database).with("COUNTERSIGN_LOGS__LEVEL", "trace");
    let server = installation.serve().await;

    let mut spy = Spy::new(&installation);
    spy.log_in(&server, &installation).await;
    spy.sms(&server, &installation).await;
    spy.push(&server, &installation).await;
    spy.otp(&server).await;
    spy.misuse(&server).await;

    let metrics = server.manage("/metrics").await.text().await.unwrap();
    spy.expect_nothing("the metrics", metrics.as_bytes());
    spy.expect_nothing("the error bodies", spy.errors.as_bytes());

    // Checked before the end too, because a clean end empties SQLite's write-ahead log.
    spy.expect_nothing("the database in use", &everything(&database_url));
    server.signal("TERM");
    let (_, log) = server.ended().await;
    assert!(log.contains("/device/v1/otp"), "it is the log: {log}");
    spy.expect_nothing("the log", log.as_bytes());
    spy.expect_nothing("the database", &everything(&database_url));
}

/// Uses the server like its regular clients and remembers all secrets.
struct Spy {
    secrets: Vec<(&'static str, String)>,
    errors: String,
    phone: Option<Phone>,
}

impl Spy {
    fn new(installation: &Installation) -> Self {
        let mut spy = Self {
            secrets: Vec::new(),
            errors: String::new(),
            phone: None,
        };

        let credentials = installation.sandbox.credentials();

        for (name, secret) in [
            ("client secret", CLIENT_SECRET),
            ("wrong client secret", WRONG_SECRET),
            ("master key", MASTER_KEY),
            ("phone number", PHONE_NUMBER),
            ("push token", PUSH_TOKEN),
            ("message", MESSAGE),
            ("secure message", SECURE_MESSAGE),
            ("signing data", SIGNING_DATA),
            ("gateway's token", &credentials.twilio_auth_token),
            ("callback password", &credentials.callback_password),
            (
                "callback signing secret",
                &credentials.callback_signing_secret,
            ),
            (
                "APNs key",
                credentials.apns_auth_key.lines().nth(1).unwrap(),
            ),
        ] {
            spy.remember(name, secret);
        }

        let account: Value = serde_json::from_str(&credentials.fcm_service_account).unwrap();
        spy.remember(
            "FCM key",
            account["private_key"]
                .as_str()
                .unwrap()
                .lines()
                .nth(1)
                .unwrap(),
        );

        spy
    }

    fn remember(&mut self, name: &'static str, secret: &str) {
        assert!(secret.len() >= 6, "{name}");
        self.secrets.push((name, secret.to_owned()));
    }

    /// Sends a request that must be refused and remembers the response.
    async fn refused(&mut self, request: RequestBuilder) {
        let response = request.send().await.unwrap();
        assert!(response.status().is_client_error(), "{}", response.status());

        self.errors += &format!(
            "{:?}\n{}\n",
            response.headers().clone(),
            response.text().await.unwrap()
        );
    }

    async fn log_in(&mut self, server: &Process, installation: &Installation) {
        let connection = Connection::new(&installation.public_url).unwrap();
        let phone = Phone::register(
            connection,
            &PhoneProfile::new(APPLICATION, "1.0", "android"),
        )
        .await
        .unwrap();

        let user: UserId = USER.parse().unwrap();
        let begun = phone.begin_log_in(REDIRECT_URI).unwrap();
        let mut browser = Browser::new(installation.public_url.as_str().trim_end_matches('/'));
        let challenge = browser.challenge(begun.address.as_str(), "login").await;
        let accept = format!("/oauth/api/v1/login-requests/{challenge}/accept");
        let accept = server.request(Method::PUT, &accept);
        let accepted = answer(accept.json(&serde_json::json!({"subject": USER}))).await;
        let resume = accepted.unwrap().1["redirect_to"]
            .as_str()
            .unwrap()
            .to_owned();
        self.remember("page verifier", resume.split_once("verifier=").unwrap().1);
        self.remember("cookies", &browser.cookies());
        let redirected: url::Url = browser.go(&resume).await.parse().unwrap();
        let code = redirected
            .query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap()
            .1
            .into_owned();

        phone
            .finish_log_in(begun, &user, &redirected)
            .await
            .unwrap();
        phone.enrol(&user).await.unwrap();

        phone
            .enrol_push(&user, PushTransport::Fcm(PUSH_TOKEN.to_owned().into()))
            .await
            .unwrap();

        self.remember("login challenge", &challenge);
        self.remember("authorization code", &code);
        self.remember("device token", phone.device_token().await.unwrap().expose());

        self.remember(
            "user token",
            phone.user_token(&user).await.unwrap().expose(),
        );

        self.phone = Some(phone);
        let again = format!("/oauth/api/v1/login-requests/{challenge}/accept");
        self.refused(
            server
                .request(Method::PUT, &again)
                .json(&serde_json::json!({"subject": USER})),
        )
        .await;
    }

    async fn sms(&mut self, server: &Process, installation: &Installation) {
        let form = [
            ("type", "sms"),
            ("user_id", USER),
            ("phone_number", PHONE_NUMBER),
            ("message", MESSAGE),
        ];

        let request = server
            .request(Method::POST, START)
            .header("Idempotency-Key", "sms-1")
            .form(&form);
        let (status, started) = answer(request).await.unwrap();
        assert_eq!(status, 200, "{started}");

        let id = started["transaction_id"].as_str().unwrap();

        let code = installation
            .sandbox
            .wait_for_sms(PHONE_NUMBER)
            .await
            .unwrap()
            .code()
            .unwrap()
            .to_owned();

        self.refused(server.verify(USER, id, &wrong(&code))).await;

        assert_eq!(answer(server.verify(USER, id, &code)).await.unwrap().0, 200);

        self.refused(server.verify(USER, id, &code)).await;
        self.remember("wrong code", &wrong(&code));
        self.remember("code", &code);
    }

    async fn push(&mut self, server: &Process, installation: &Installation) {
        let callback = format!("{}/callback", installation.sandbox.endpoints().website);

        let form = [
            ("type", "login"),
            ("user_id", USER),
            ("message", MESSAGE),
            ("secure_message", SECURE_MESSAGE),
            ("signing_data", SIGNING_DATA),
            ("callback_uri", &callback),
        ];

        let (status, started) = answer(server.request(Method::POST, START).form(&form))
            .await
            .unwrap();
        assert_eq!(status, 200, "{started}");

        let id: TransactionId = started["transaction_id"].as_str().unwrap().parse().unwrap();

        assert!(
            installation
                .sandbox
                .wait_for_push(PUSH_TOKEN)
                .await
                .is_some()
        );

        let phone = self.phone.clone().unwrap();
        let transaction = phone.fetch(id).await.unwrap();
        assert_eq!(transaction.secure_message.as_deref(), Some(SECURE_MESSAGE));
        assert_eq!(phone.accept(&transaction).await.unwrap(), "accepted");

        let called = installation
            .sandbox
            .wait_for_callback(&id.to_string())
            .await
            .unwrap();

        installation.sandbox.check_callback(&called).unwrap();
        let again = phone.accept(&transaction).await.unwrap_err();
        self.errors += &format!("{again}\n{again:?}\n");
    }

    async fn otp(&mut self, server: &Process) {
        let form = [("type", "scan"), ("message", MESSAGE)];
        let request = server
            .request(Method::POST, START)
            .header("Idempotency-Key", "otp-1")
            .form(&form);
        let (status, started) = answer(request).await.unwrap();
        assert_eq!(status, 200, "{started}");

        let otp = started["otp"].as_str().unwrap().to_owned();
        let phone = self.phone.clone().unwrap();
        let profile = phone.profile_id(&USER.parse().unwrap()).unwrap();
        let transaction = phone.scan_otp(&otp, profile).await.unwrap();
        assert_eq!(phone.deny(&transaction).await.unwrap(), "denied");

        let again = phone.scan_otp(&otp, profile).await.unwrap_err();
        self.errors += &format!("{again}\n{again:?}\n");
        self.remember("one-time password", &otp);
    }

    /// Sends secrets in the wrong places, and wrong secrets.
    async fn misuse(&mut self, server: &Process) {
        let start = |form: &[(&str, &str)]| server.request(Method::POST, START).form(form);
        self.refused(start(&[
            ("type", "sms"),
            ("user_id", USER),
            ("phone_number", &PHONE_NUMBER[1..]),
        ]))
        .await;

        self.refused(start(&[
            ("type", MESSAGE),
            ("user_id", USER),
            ("phone_number", PHONE_NUMBER),
        ]))
        .await;

        self.refused(start(&[
            ("type", "login"),
            ("user_id", USER),
            ("callback_uri", PUSH_TOKEN),
        ]))
        .await;

        self.refused(start(&[("type", "sms"), (PUSH_TOKEN, MESSAGE)]))
            .await;

        let nobody = |method, path: &str| server.anonymous(method, path);

        let sms = [
            ("type", "sms"),
            ("user_id", USER),
            ("phone_number", PHONE_NUMBER),
        ];

        self.refused(
            nobody(Method::POST, START)
                .basic_auth(CLIENT_ID, Some(WRONG_SECRET))
                .form(&sms),
        )
        .await;

        let in_form = [("client_id", CLIENT_ID), ("client_secret", WRONG_SECRET)];
        self.refused(nobody(Method::POST, START).form(&[&sms[..], &in_form].concat()))
            .await;

        let assertion = [
            (
                "client_assertion_type",
                countersign::oauth::CLIENT_ASSERTION_TYPE,
            ),
            ("client_assertion", PUSH_TOKEN),
        ];

        self.refused(
            nobody(Method::POST, "/oauth/token")
                .form(&[&assertion[..], &[("grant_type", "client_credentials")]].concat()),
        )
        .await;

        self.refused(
            server
                .request(Method::POST, START)
                .json(&serde_json::json!({"message": MESSAGE})),
        )
        .await;

        self.refused(nobody(Method::GET, "/device/v1/transactions").bearer_auth(PUSH_TOKEN))
            .await;
        self.refused(server.request(Method::GET, &format!("/{PUSH_TOKEN}?token={PUSH_TOKEN}")))
            .await;
    }

    /// Looks for the secrets as they are and in hexadecimal, which is how PostgreSQL shows bytes.
    fn expect_nothing(&self, place: &str, bytes: &[u8]) {
        for (name, secret) in &self.secrets {
            assert!(
                !contains(bytes, secret.as_bytes()),
                "the {name} is in {place}: {}",
                around(bytes, secret)
            );

            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(
                !contains(bytes, hex.as_bytes()),
                "the {name} is in {place}, in hexadecimal"
            );
        }
    }
}

/// Six digits may be part of a longer number by chance, such as a time. So they must be a separate
/// word.
fn contains(bytes: &[u8], secret: &[u8]) -> bool {
    let digits = secret.len() == 6 && secret.iter().all(u8::is_ascii_digit);
    let part = |byte: Option<&u8>| digits && byte.is_some_and(u8::is_ascii_alphanumeric);

    let mut windows = bytes
        .windows(secret.len())
        .enumerate()
        .filter(|(_, window)| *window == secret);

    windows.any(|(at, _)| {
        !part(at.checked_sub(1).and_then(|at| bytes.get(at))) && !part(bytes.get(at + secret.len()))
    })
}

fn around(bytes: &[u8], secret: &str) -> String {
    let text = String::from_utf8_lossy(bytes);
    let at = text.find(secret).unwrap_or_default();
    text.chars()
        .skip(text[..at].chars().count().saturating_sub(300))
        .take(600)
        .collect()
}

/// All data of the database.
fn everything(database: &DatabaseUrl) -> Vec<u8> {
    match database {
        DatabaseUrl::Sqlite(path) => files(path.parent().unwrap()),
        DatabaseUrl::Postgres(url) => rows(url.expose()).into_bytes(),
    }
}

fn files(directory: &Path) -> Vec<u8> {
    let files = directory
        .read_dir()
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let all: Vec<u8> = files.flatten().collect();
    assert!(contains(&all, CLIENT_ID.as_bytes()), "it is the database");

    all
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn rows(url: &str) -> String {
    let mut connection = PgConnection::establish(url).unwrap();
    let mut query = |sql: String| -> Vec<String> {
        let lines: Vec<Line> = diesel::sql_query(sql).load(&mut connection).unwrap();
        lines.into_iter().map(|line| line.line).collect()
    };
    let tables = query(
        "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public'".to_owned(),
    );
    let rows = tables
        .iter()
        .flat_map(|table| query(format!("SELECT t::text AS line FROM {table} AS t")));
    let all = rows.collect::<Vec<_>>().join("\n");
    assert!(
        contains(all.as_bytes(), CLIENT_ID.as_bytes()),
        "it is the database"
    );

    all
}
