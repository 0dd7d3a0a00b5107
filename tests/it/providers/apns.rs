//! Pushes through Apple's service.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign::egress::{Egress, FailureKind, ProviderFailure};
use countersign::push::{ProviderPush, PushDestination, PushSender as _};
use countersign::sandbox::{Fault, Provider, Sandbox};
use futures_util::future::join_all;

use super::{RETRY, START, TRANSACTION, destination, impatient, push, retry_after, sandbox};
use crate::support::sandbox::{apns, secret};

const ADDRESS: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// The provider tokens received so far, in their order.
fn provider_tokens(sandbox: &Sandbox) -> Vec<String> {
    sandbox
        .received(Provider::Apns)
        .iter()
        .map(|push| push.headers["authorization"].clone())
        .collect()
}

async fn failure(sender: &ProviderPush, to: &PushDestination) -> ProviderFailure {
    let failure = sender.send(to, &push()).await.unwrap_err();
    assert!(!failure.to_string().contains(ADDRESS), "{failure}");
    failure
}

#[tokio::test]
async fn a_push_carries_the_reference_and_the_message() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock);
    sender
        .send(&destination(apns(&sandbox), ADDRESS), &push())
        .await
        .unwrap();

    let received = sandbox.wait_for_push(ADDRESS).await.unwrap();

    let expected = serde_json::json!({
        "aps": { "alert": "Log in to Demo Bank?" },
        "transaction_id": TRANSACTION,
        "profile_id": "AB12CD",
        "message": "Log in to Demo Bank?",
    });

    assert_eq!(received.fields, expected);

    let header = |name: &str| received.headers[name].as_str();
    assert_eq!(header("apns-topic"), "com.example.bank");
    assert_eq!(header("apns-push-type"), "alert");
    assert_eq!(header("apns-priority"), "10");

    assert_eq!(
        header("apns-expiration"),
        (START.as_secs() + 120).to_string()
    );

    assert_eq!(header("apns-id"), TRANSACTION);
    assert_eq!(header("apns-collapse-id"), TRANSACTION);
}

#[tokio::test]
async fn one_provider_token_serves_many_pushes_and_is_renewed_in_time() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock.clone());
    let to = destination(apns(&sandbox), ADDRESS);
    let message = push();
    for outcome in join_all((0..50).map(|_| sender.send(&to, &message))).await {
        outcome.unwrap();
    }

    clock.advance(minutes(39));
    sender.send(&to, &message).await.unwrap();

    assert_eq!(
        provider_tokens(&sandbox)
            .into_iter()
            .collect::<BTreeSet<_>>()
            .len(),
        1
    );

    clock.advance(minutes(1));
    sender.send(&to, &message).await.unwrap();

    assert_eq!(
        provider_tokens(&sandbox)
            .into_iter()
            .collect::<BTreeSet<_>>()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_token_apple_calls_expired_is_renewed_at_once() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock.clone());
    let to = destination(apns(&sandbox), ADDRESS);
    sender.send(&to, &push()).await.unwrap();

    clock.advance(minutes(25));

    sandbox.fail(
        Provider::Apns,
        Fault::status(403).reason("ExpiredProviderToken").times(1),
    );

    sender.send(&to, &push()).await.unwrap();
    let tokens = provider_tokens(&sandbox);
    assert_eq!(
        (tokens.len(), tokens[0] == tokens[1], tokens[1] == tokens[2]),
        (3, true, false)
    );

    // So young a token cannot have expired: our clock is wrong, and Apple would refuse a new token.
    sandbox.fail(
        Provider::Apns,
        Fault::status(403).reason("ExpiredProviderToken"),
    );

    assert_eq!(failure(&sender, &to).await.kind, RETRY);
    assert_eq!(sandbox.requests(Provider::Apns), 4);
}

#[tokio::test]
async fn a_changed_configuration_takes_effect_with_the_same_token() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock);
    let (first, second) = (apns(&sandbox), apns(&sandbox));
    let mut wrong = apns(&sandbox);
    wrong.ca_certificate = Some("not a certificate".to_owned());

    sender
        .send(&destination(first, ADDRESS), &push())
        .await
        .unwrap();

    assert_eq!(
        failure(&sender, &destination(wrong, ADDRESS)).await.kind,
        FailureKind::Configuration
    );

    sender
        .send(&destination(second, ADDRESS), &push())
        .await
        .unwrap();

    let tokens = provider_tokens(&sandbox);
    assert_eq!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn failures() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock.clone());
    let to = destination(apns(&sandbox), ADDRESS);
    let since = START.before(minutes(90));
    let cases = [
        (
            Fault::status(410).since(since),
            FailureKind::DeadAddress { since: Some(since) },
        ),
        (
            Fault::status(410).reason("ExpiredToken").since(since),
            FailureKind::DeadAddress { since: Some(since) },
        ),
        (
            Fault::status(400).reason("DeviceTokenNotForTopic"),
            FailureKind::Configuration,
        ),
        (
            Fault::status(403).reason("InvalidProviderToken"),
            FailureKind::Configuration,
        ),
        (
            Fault::status(413).reason("PayloadTooLarge"),
            FailureKind::Blocked,
        ),
        (Fault::status(429).retry_after(9), retry_after(9)),
        (Fault::status(500), RETRY),
        (Fault::status(503), RETRY),
        (Fault::drop_connection(), FailureKind::Doubtful),
    ];

    for (fault, kind) in cases {
        sandbox.fail(Provider::Apns, fault.clone());
        assert_eq!(failure(&sender, &to).await.kind, kind, "{fault:?}");
    }

    sandbox.fail(Provider::Apns, Fault::hang());
    let hanging = failure(&ProviderPush::new(impatient(), clock), &to).await;
    assert_eq!(
        (hanging.kind, hanging.to_string()),
        (FailureKind::Doubtful, "apns: timeout".to_owned())
    );

    sandbox.heal(Provider::Apns);
    sender.send(&to, &push()).await.unwrap();
}

#[tokio::test]
async fn a_wrong_configuration_is_reported() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock);
    let good = destination(apns(&sandbox), ADDRESS);

    let no_topic = PushDestination {
        bundle_id: None,
        ..good.clone()
    };
    assert_eq!(
        failure(&sender, &no_topic).await.to_string(),
        "apns: bundle_id is not configured"
    );

    let mut wrong_team = apns(&sandbox);
    let right_key = secret(wrong_team.credentials.get("auth_key"));
    wrong_team.credentials.set("team_id", secret("OTHERTEAM1"));
    wrong_team.credentials.set("auth_key", secret("no key"));

    assert_eq!(
        failure(&sender, &destination(wrong_team.clone(), ADDRESS))
            .await
            .to_string(),
        "apns: auth key is not usable"
    );

    wrong_team.credentials.set("auth_key", right_key);
    let refused = failure(&sender, &destination(wrong_team, ADDRESS)).await;
    assert_eq!(
        refused.to_string(),
        "apns: status 403, InvalidProviderToken"
    );

    assert_eq!(refused.kind, FailureKind::Configuration);

    let mut untrusted = apns(&sandbox);
    untrusted.ca_certificate = None;

    assert_eq!(
        failure(&sender, &destination(untrusted, ADDRESS))
            .await
            .to_string(),
        "apns: cannot connect"
    );

    let bad = failure(&sender, &destination(apns(&sandbox), "not-hexadecimal")).await;
    assert_eq!(bad.kind, FailureKind::DeadAddress { since: None });
}
