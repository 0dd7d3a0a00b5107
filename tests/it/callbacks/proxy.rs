//! Where a proxy is the way to the outside, and clients are told of log-outs.

use std::net::SocketAddr;
use std::sync::Arc;

use countersign::callbacks::{CallbackId, CallbackLimits, Callbacks};
use countersign::egress::{Egress, EgressSettings, ProxySettings};
use countersign::random::SystemRandom;
use countersign::settings::{Settings, WebClient};
use countersign::store::journal::{Entry, Insert, Outcome};

use super::harness::Harness;
use crate::support::databases::Database;
use crate::support::listener::Listener;
use crate::support::sandbox::secret;

/// A worker behind this proxy. All names have this address.
async fn behind(proxy: &Listener, address: &str) -> Harness {
    let egress = Egress::new(EgressSettings {
        proxy: Some(ProxySettings {
            url: proxy.address.parse().unwrap(),
            username: None,
            password: None,
        }),
        ..EgressSettings::default()
    });
    let addresses: Vec<SocketAddr> = vec![address.parse().unwrap()];

    let limits = CallbackLimits::default();
    Harness::start_behind(egress, Database::sqlite(), addresses, limits).await
}

/// Has a client that listens at this address told that a log-in has ended, and waits for one attempt.
async fn tell(harness: &Harness, address: &str) {
    let mut settings = Settings::clone(&harness.settings.load());
    let mut client = WebClient::new("shop".parse().unwrap(), None);
    client.backchannel_logout_uri = Some(address.to_owned());
    let id = client.client_id.clone();
    settings.web_clients.insert(id, Arc::new(client));
    harness.settings.replace(settings);

    let (token, now) = (secret("a-token"), harness.clock.now());
    let row = Callbacks::logout_row(token, address.to_owned(), now, &SystemRandom);
    let id = CallbackId::from_bytes(row.id.clone().try_into().unwrap());
    let entry = Entry {
        inserts: vec![Insert::from(row)],
        ..Entry::default()
    };
    assert_eq!(harness.store.commit(entry).await, Ok(Outcome::Committed));

    harness.callbacks.wake();
    harness.until_attempts(id, 1).await;
}

#[tokio::test]
async fn what_is_outside_is_told_through_the_proxy() {
    let proxy = Listener::start();
    let harness = behind(&proxy, "93.184.216.34:443").await;
    tell(&harness, "https://shop.example/ended").await;

    let asked = proxy.requests();
    assert!(
        asked[0].starts_with("CONNECT shop.example:443 "),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_is_in_the_own_network_is_told_without_the_proxy() {
    let (proxy, client) = (Listener::start(), Listener::start());
    let harness = behind(&proxy, "10.1.2.3:443").await;

    tell(&harness, &format!("{}/ended", client.address)).await;
    assert!(client.requests()[0].contains("logout_token=a-token"));

    tell(&harness, "https://shop.example/ended").await;
    assert!(proxy.requests().is_empty(), "{:?}", proxy.requests());
}
