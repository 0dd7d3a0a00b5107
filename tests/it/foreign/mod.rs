//! Interoperability with client libraries: `openid-client` for Node.js and Authlib for Python.
//!
//! For each topic there is a script for each library in `tests/foreign`. Both run concurrently
//! against one server and print the results of their checks.

mod chromium;
mod programs;

use std::collections::BTreeSet;

use countersign::clock::Clock;
use countersign::jose::{PrivateJwk, PublicJwk};
use countersign::random::SystemRandom;
use programs::{Library, run};
use serde_json::Value;

use crate::support::databases::{Database, on_both_databases};
use crate::support::process::{Installation, LOGIN_URL};
use crate::support::server::CLIENT_SECRET;

/// The consent page. Nothing answers there.
const CONSENT_URL: &str = "https://portal.example/consent";
const SETTINGS: &str = include_str!("../../foreign/settings.toml");

/// Declares a test for each topic. Scripts have the name of their topic.
macro_rules! topics {
    ($($topic:ident),+ $(,)?) => {
        $(async fn $topic(database: Database) {
            run_scripts(stringify!($topic), database).await;
        })+

        on_both_databases!($($topic),+);

        const TOPICS: &[&str] = &[$(stringify!($topic)),+];
    };
}

topics!(
    authorization_code,
    client_credentials,
    device,
    discovery,
    dpop,
    installation,
    introspection,
    private_key_jwt,
    refresh,
    registration,
    revocation,
    userinfo,
);

#[test]
fn all_scripts_are_run() {
    let topics: BTreeSet<String> = TOPICS.iter().map(|topic| (*topic).to_owned()).collect();
    for library in Library::ALL {
        assert_eq!(library.scripts(), topics, "{library:?}");
    }
}

async fn run_scripts(topic: &'static str, database: Database) {
    let key = PrivateJwk::generate(&SystemRandom).unwrap();
    let settings = settings_with(key.public(), "http://127.0.0.1:9");
    let installation = Installation::configured(database, Clock::system(), &settings)
        .with("COUNTERSIGN_LOGIN__CONSENT_URL", CONSENT_URL);
    let server = installation.serve().await;

    let variables = [
        (
            "FOREIGN_ISSUER",
            without_slash(installation.public_url.as_str()),
        ),
        (
            "FOREIGN_MANAGEMENT",
            without_slash(server.management_url.as_str()),
        ),
        ("FOREIGN_LOGIN_URL", LOGIN_URL.to_owned()),
        ("FOREIGN_CONSENT_URL", CONSENT_URL.to_owned()),
        ("FOREIGN_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ("FOREIGN_KEYED_JWK", key.to_json().to_string()),
    ];

    let runs = Library::ALL.map(|library| {
        let variables = variables.to_vec();
        tokio::task::spawn_blocking(move || run(library, topic, &variables))
    });
    let outcomes = futures_util::future::try_join_all(runs).await.unwrap();
    let failures: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();

    let log = server.log.text();
    let warnings: Vec<&str> = log
        .lines()
        .filter(|line| !line.contains(r#""level":"INFO""#))
        .collect();
    assert!(
        failures.is_empty(),
        "{}\nThe server's warnings and errors:\n{}",
        failures.join("\n"),
        warnings.join("\n")
    );
}

/// The settings with the key of the client `keyed` and the origin of the client `page`.
fn settings_with(key: &PublicJwk, spa_origin: &str) -> String {
    let jwk: Value = serde_json::from_str(&key.to_json()).unwrap();
    SETTINGS
        .replace("SPA_ORIGIN", spa_origin)
        .replace("KEYED_X", jwk["x"].as_str().unwrap())
        .replace("KEYED_Y", jwk["y"].as_str().unwrap())
}

fn without_slash(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}
