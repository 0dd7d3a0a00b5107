//! Shutdown while requests are in flight: all of them are answered.

use std::time::Duration;

use countersign::clock::Clock;
use countersign::sandbox::{Fault, Provider};
use futures_util::future::join_all;
use reqwest::Method;

use super::answer;
use crate::support::databases::{Database, on_both_databases};
use crate::support::process::{Installation, Process};

const STARTS: usize = 50;
const LONG_POLLS: usize = 10;

on_both_databases!(a_stop_breaks_no_request_in_flight);

async fn a_stop_breaks_no_request_in_flight(database: Database) {
    // The stand-in's clock stands still, so it holds delayed requests until the clock is moved.
    let clock = Clock::manual(Clock::system().now());
    let installation = Installation::with_clock(database, clock.clone());
    let mut server = installation.serve().await;
    let (_, started) = answer(server.start_sms("alice", "+31612345678"))
        .await
        .unwrap();
    let id = started["transaction_id"].as_str().unwrap().to_owned();

    installation.sandbox.fail(
        Provider::Twilio,
        Fault {
            delay_millis: 1_000,
            ..Fault::default()
        },
    );

    let starts = (0..STARTS).map(|number| {
        let request = server.start_sms(&format!("user-{number}"), &format!("+316{number:08}"));
        tokio::spawn(answer(request))
    });
    let starts: Vec<_> = starts.collect();

    let wait = format!("/oauth/api/v4/authenticate/transaction/{id}?wait=60");
    let polls: Vec<_> = (0..LONG_POLLS)
        .map(|_| tokio::spawn(answer(server.request(Method::GET, &wait))))
        .collect();

    until("the starts are being sent", async || {
        installation.sandbox.requests(Provider::Twilio) > STARTS as u64
    })
    .await;

    until("the long polls wait", async || {
        waiting(&server).await == LONG_POLLS
    })
    .await;

    server.signal("TERM");
    server.log.wait_for("countersign is stopping").await;

    let address = installation.public_url.socket_addrs(|| None).unwrap()[0];
    until("new connections are refused", async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;

    installation.sandbox.heal(Provider::Twilio);
    clock.advance(Duration::from_secs(1));

    for start in join_all(starts).await {
        let (status, body) = start.unwrap().expect("a complete response");
        assert_eq!(status, 200, "{body}");
    }

    for poll in join_all(polls).await {
        let (status, body) = poll.unwrap().expect("a complete response");
        assert_eq!((status, body["status"].as_str()), (200, Some("pending")));
    }

    let (status, log) = server.ended().await;
    assert!(status.success(), "{status}: {log}");
}

/// The number of waiting requests.
async fn waiting(server: &Process) -> usize {
    let metrics = server.manage("/metrics").await.text().await.unwrap();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("countersign_waiting_requests "));
    line.map_or(0, |count| count.parse().unwrap())
}

/// Polls until the condition holds.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let polling = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };

    tokio::time::timeout(Duration::from_secs(30), polling)
        .await
        .expect(what);
}
