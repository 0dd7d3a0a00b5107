//! SIGKILL between the commit of a start and the delivery of its message.

use std::time::Duration;

use countersign::sandbox::{Fault, Provider, Sandbox};
use reqwest::RequestBuilder;

use super::answer;
use crate::support::databases::{Database, on_both_databases};
use crate::support::process::{Installation, Process};

const PHONE_NUMBER: &str = "+15055550100";

on_both_databases!(the_message_is_sent_once_and_the_repetition_tells_the_truth);

fn start(server: &Process) -> RequestBuilder {
    server
        .start_sms("alice", PHONE_NUMBER)
        .header("Idempotency-Key", "the-key")
}

async fn the_message_is_sent_once_and_the_repetition_tells_the_truth(database: Database) {
    let installation = Installation::new(database);
    let sandbox = &installation.sandbox;
    let server = installation.serve().await;

    // The gateway is down, and the server dies while it tries.
    sandbox.fail(Provider::Twilio, Fault::status(503));
    let starting = tokio::spawn(answer(start(&server)));
    while sandbox.requests(Provider::Twilio) < 3 {
        tokio::task::yield_now().await;
    }
    server.signal("KILL");
    server.ended().await;
    assert_eq!(starting.await.unwrap(), None);

    sandbox.heal(Provider::Twilio);
    let server = installation.serve().await;
    wait_for_message(sandbox).await;

    // What is delivered is recorded within a second, and the first request is not running any more.
    let repeated = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let response = start(&server).send().await.unwrap();
            if response.status() != 409 {
                return response;
            }
        }
    });
    let repeated = repeated.await.unwrap();
    assert_eq!(repeated.status(), 200);
    assert_eq!(repeated.headers()["idempotent-replayed"], "true");

    let accepted = sandbox.received(Provider::Twilio);
    let accepted = accepted.iter().filter(|received| received.is_accepted());
    assert_eq!(accepted.count(), 1);
}

/// Longer than a lease lasts.
async fn wait_for_message(sandbox: &Sandbox) {
    for _ in 0..4 {
        if sandbox.wait_for_sms(PHONE_NUMBER).await.is_some() {
            return;
        }
    }

    panic!("the message never came");
}
