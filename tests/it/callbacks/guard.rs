//! Addresses that callbacks must not be sent to.

use std::net::SocketAddr;

use countersign::callbacks::{CallbackLimits, Callbacks, UrlRefusal};
use countersign::ids::ClientId;

use super::canary::Canary;
use super::harness::Harness;
use crate::support::databases::Database;

/// Spellings of the canary's address, and names that resolve to it.
fn spellings(port: u16) -> Vec<String> {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "localhost",
        "localhost.",
        "a.localhost",
        "portal.example",
        "portal.example.",
        "127.0.0.1.nip.example",
        "user@127.0.0.1",
        "portal.example@127.0.0.1",
        "portal.example\\@127.0.0.1",
        "portal.example#@127.0.0.1",
    ];

    let schemes = ["https", "http"];
    schemes
        .iter()
        .flat_map(|scheme| hosts.map(|host| format!("{scheme}://{host}:{port}/")))
        .collect()
}

/// Sends callbacks to all spellings, with a resolver that answers `addresses` for every name.
async fn no_spelling_reaches(canary: &Canary, addresses: Vec<SocketAddr>) {
    let harness =
        Harness::start_with(Database::sqlite(), addresses, CallbackLimits::default()).await;
    harness.without_allow_list();

    for uri in spellings(canary.address.port()) {
        let (id, _) = harness.add(&uri).await;
        let failed = harness.until_attempts(id, 1).await;
        let error = failed.last_error.unwrap();
        assert!(error.starts_with("not sent: "), "{uri}: {error}");
    }

    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn no_spelling_reaches_loopback() {
    let canary = Canary::accepting().await;
    no_spelling_reaches(&canary, vec![canary.address]).await;
}

#[tokio::test]
async fn an_additional_public_address_does_not_help() {
    let canary = Canary::accepting().await;
    no_spelling_reaches(
        &canary,
        vec!["203.0.114.1:0".parse().unwrap(), canary.address],
    )
    .await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let canary = Canary::accepting().await;
    let head = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
        canary.url()
    );
    let redirecting = Canary::answering(head, 0).await;

    let harness = Harness::start(Database::sqlite()).await;
    harness.allow(&redirecting.url());
    let (id, _) = harness.add(&redirecting.url()).await;
    let failed = harness.until_attempts(id, 1).await;
    assert_eq!(
        failed.last_error.as_deref(),
        Some("the website answered 307")
    );

    assert_eq!((redirecting.connections(), canary.connections()), (1, 0));
}

#[tokio::test]
async fn a_huge_response_is_not_read() {
    const BODY_BYTES: usize = 64 * 1024 * 1024;

    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES}\r\n\r\n");
    let huge = Canary::answering(head, BODY_BYTES).await;

    let harness = Harness::start(Database::sqlite()).await;
    harness.allow(&huge.url());
    let (id, _) = harness.add(&huge.url()).await;
    harness.until_delivered(id).await;

    // The part that was written is in the buffers of the sockets.
    assert!(huge.written() < BODY_BYTES / 2, "{}", huge.written());
}

#[tokio::test]
async fn only_configured_endpoints_are_allowed() {
    let harness = Harness::start(Database::sqlite()).await;
    let website = ClientId::new("portal").unwrap();
    let check = |uri: &str| Callbacks::check(&harness.settings.load(), &website, uri);
    assert_eq!(check(&harness.website()), Ok(()));

    for uri in [
        "https://portal.example/callback",
        "",
        &format!("{}/", harness.website()),
    ] {
        assert_eq!(check(uri), Err(UrlRefusal::NotConfigured), "{uri}");
    }

    harness.without_allow_list();
    assert_eq!(check("https://portal.example/callback"), Ok(()));

    assert_eq!(
        check("http://portal.example/callback"),
        Err(UrlRefusal::Scheme)
    );

    assert_eq!(check("https://127.1/"), Err(UrlRefusal::Private));
    assert_eq!(check(""), Err(UrlRefusal::Malformed));
}

#[tokio::test]
async fn a_removed_endpoint_is_no_longer_called() {
    let harness = Harness::start(Database::sqlite()).await;
    let canary = Canary::accepting().await;
    let (id, _) = harness.add(&canary.url()).await;
    let failed = harness.until_attempts(id, 1).await;
    assert_eq!(
        failed.last_error.as_deref(),
        Some("not sent: the address is not a configured callback endpoint")
    );

    assert_eq!(canary.connections(), 0);
}
