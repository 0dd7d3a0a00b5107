//! What users see, and applications that run, in a real browser.

use std::net::TcpListener;
use std::path::Path;

use countersign::clock::Clock;
use countersign::jose::PrivateJwk;
use countersign::random::SystemRandom;

use super::programs::{Library, run};
use super::{settings_with, without_slash};
use crate::support::databases::{Database, on_both_databases};
use crate::support::process::Installation;
use crate::support::server::CLIENT_SECRET;

on_both_databases!(pages, oidc_client_ts);

/// As distributions name it.
const PROGRAMS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome-headless-shell",
];

async fn pages(database: Database) {
    run_script("pages", database).await;
}

async fn oidc_client_ts(database: Database) {
    run_script("oidc_client_ts", database).await;
}

async fn run_script(name: &'static str, database: Database) {
    let key = PrivateJwk::generate(&SystemRandom).unwrap();
    let spa_origin = format!("http://{}", free_address());
    let settings = settings_with(key.public(), &spa_origin);

    let installation = Installation::configured(database, Clock::system(), &settings);
    let url = without_slash(installation.public_url.as_str());
    let installation = installation
        .with("COUNTERSIGN_DEVELOPMENT__LOGIN_PAGE", "true")
        .with(
            "COUNTERSIGN_LOGIN__LOGIN_URL",
            &format!("{url}/oauth/login"),
        )
        .with(
            "COUNTERSIGN_LOGIN__CONSENT_URL",
            &format!("{url}/oauth/consent"),
        );
    let server = installation.serve().await;

    let variables = vec![
        ("FOREIGN_ISSUER", url),
        ("FOREIGN_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ("FOREIGN_SPA_ORIGIN", spa_origin),
        ("FOREIGN_CHROMIUM", chromium()),
    ];
    let outcome = tokio::task::spawn_blocking(move || run(Library::Chromium, name, &variables));
    let outcome = outcome.await.unwrap();

    assert!(
        outcome.is_ok(),
        "{}\n{}",
        outcome.unwrap_err(),
        server.log.text()
    );
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Where the browser is.
fn chromium() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut candidates = PROGRAMS.iter().flat_map(|name| {
        path.split(':')
            .map(move |folder| Path::new(folder).join(name))
    });
    let found = candidates.find(|candidate| candidate.is_file());

    found
        .expect("Chromium is installed: run `tests/install` once")
        .display()
        .to_string()
}
