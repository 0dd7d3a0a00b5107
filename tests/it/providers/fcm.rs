//! Pushes through Google's service.

use std::time::Duration;

use countersign::egress::{Egress, FailureKind};
use countersign::push::{ProviderPush, PushMessage, PushSender as _};
use countersign::sandbox::{Fault, Provider};
use futures_util::future::join_all;

use super::{RETRY, START, TRANSACTION, destination, impatient, push, retry_after, sandbox};
use crate::support::sandbox::{fcm, secret};

const ADDRESS: &str = "cVq2nLkTQ3u:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ-hQMRKRrZuJAEcl7B338qju59zJMjw2DELjzEvxwYv7hH5Ynpc";

#[tokio::test]
async fn a_push_carries_the_reference_and_the_message() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock.clone());
    clock.advance(Duration::from_secs(20));

    sender
        .send(&destination(fcm(&sandbox), ADDRESS), &push())
        .await
        .unwrap();

    let received = sandbox.wait_for_push(ADDRESS).await.unwrap();

    let expected = serde_json::json!({ "message": {
        "token": ADDRESS,
        "data": { "transaction_id": TRANSACTION, "profile_id": "AB12CD", "message": "Log in to Demo Bank?" },
        "android": { "priority": "HIGH", "ttl": "100s", "collapse_key": TRANSACTION },
    }});

    assert_eq!(received.fields, expected);
    assert_eq!(received.transaction_id(), Some(TRANSACTION));
}

#[tokio::test]
async fn one_access_token_serves_everybody_until_shortly_before_its_end() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock.clone());
    let (to, message) = (destination(fcm(&sandbox), ADDRESS), push());
    for outcome in join_all((0..50).map(|_| sender.send(&to, &message))).await {
        outcome.unwrap();
    }

    clock.advance(Duration::from_secs(54 * 60));
    sender.send(&to, &message).await.unwrap();
    assert_eq!(sandbox.requests(Provider::FcmToken), 1);

    clock.advance(Duration::from_secs(2 * 60));
    sender.send(&to, &message).await.unwrap();
    assert_eq!(sandbox.requests(Provider::FcmToken), 2);
}

#[tokio::test]
async fn a_refused_access_token_is_replaced_once() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock);
    let to = destination(fcm(&sandbox), ADDRESS);
    sandbox.fail(Provider::Fcm, Fault::status(401).times(1));
    sender.send(&to, &push()).await.unwrap();

    assert_eq!(
        (
            sandbox.requests(Provider::FcmToken),
            sandbox.requests(Provider::Fcm)
        ),
        (2, 2)
    );

    // The token is good, and may not send: another one would not help.
    sandbox.fail(Provider::Fcm, Fault::status(403));

    assert_eq!(
        sender.send(&to, &push()).await.unwrap_err().kind,
        FailureKind::Configuration
    );

    assert_eq!(
        (
            sandbox.requests(Provider::FcmToken),
            sandbox.requests(Provider::Fcm)
        ),
        (2, 3)
    );

    // These refusals are not about the access token.
    sandbox.fail(
        Provider::Fcm,
        Fault::status(403).reason("SENDER_ID_MISMATCH"),
    );

    assert_eq!(
        sender.send(&to, &push()).await.unwrap_err().kind,
        FailureKind::Configuration
    );

    assert_eq!(
        (
            sandbox.requests(Provider::FcmToken),
            sandbox.requests(Provider::Fcm)
        ),
        (2, 4)
    );
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_not_asked_by_every_push() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(impatient(), clock.clone());
    let (to, message) = (destination(fcm(&sandbox), ADDRESS), push());
    sandbox.fail(Provider::FcmToken, Fault::hang());

    for outcome in join_all((0..50).map(|_| sender.send(&to, &message))).await {
        assert_eq!(outcome.unwrap_err().kind, RETRY);
    }

    assert_eq!(sandbox.requests(Provider::FcmToken), 1);

    sandbox.fail(Provider::FcmToken, Fault::status(400));
    clock.advance(Duration::from_secs(1));
    let refused = sender.send(&to, &message).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.to_string()),
        (
            FailureKind::Configuration,
            "fcm: status 400, invalid_grant".to_owned()
        )
    );

    sandbox.heal(Provider::FcmToken);
    clock.advance(Duration::from_secs(1));
    sender.send(&to, &message).await.unwrap();
}

#[tokio::test]
async fn failures() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock.clone());
    let to = destination(fcm(&sandbox), ADDRESS);
    let dead = FailureKind::DeadAddress { since: None };
    let cases = [
        (Fault::status(404).reason("UNREGISTERED"), dead),
        (Fault::status(400).reason("INVALID_ARGUMENT"), dead),
        (
            Fault::status(429).reason("QUOTA_EXCEEDED").retry_after(60),
            retry_after(60),
        ),
        (Fault::status(503).reason("UNAVAILABLE"), RETRY),
        (Fault::status(500), RETRY),
        (Fault::drop_connection(), FailureKind::Doubtful),
    ];

    for (fault, kind) in cases {
        sandbox.fail(Provider::Fcm, fault.clone());
        let failure = sender.send(&to, &push()).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{fault:?}");
        assert!(!failure.to_string().contains(ADDRESS), "{failure}");
    }

    sandbox.fail(Provider::Fcm, Fault::hang());

    let hanging = ProviderPush::new(impatient(), clock)
        .send(&to, &push())
        .await
        .unwrap_err();
    assert_eq!(
        (hanging.kind, hanging.to_string()),
        (FailureKind::Doubtful, "fcm: timeout".to_owned())
    );

    sandbox.heal(Provider::Fcm);
    sender.send(&to, &push()).await.unwrap();
}

#[tokio::test]
async fn a_message_that_cannot_be_taken_is_not_the_addresss_fault() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock);
    let mut long = push();
    long.message = secret(&"x".repeat(5000));

    let failure = sender
        .send(&destination(fcm(&sandbox), ADDRESS), &long)
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Blocked);
}

#[tokio::test]
async fn a_wrong_configuration_is_reported() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock.clone());
    let kind_with = async |service_account: &str| {
        let mut configuration = fcm(&sandbox);
        let service_account = secret(service_account);
        configuration
            .credentials
            .set("service_account", service_account);

        sender
            .send(&destination(configuration, ADDRESS), &push())
            .await
            .unwrap_err()
    };

    let account = &sandbox.credentials().fcm_service_account;
    assert_eq!(
        kind_with("{}").await.to_string(),
        "fcm: service account is not usable"
    );

    let stranger = account.replace("push@", "stranger@");
    let failure = kind_with(&stranger).await;
    assert_eq!(
        (failure.kind, failure.to_string()),
        (
            FailureKind::Configuration,
            "fcm: status 400, invalid_grant".to_owned()
        )
    );

    let elsewhere = account.replace("\"countersign-sandbox\"", "\"elsewhere\"");
    assert_eq!(kind_with(&elsewhere).await.kind, FailureKind::Configuration);
    assert_eq!(clock.now(), START);
}

#[tokio::test]
async fn a_notice_names_no_transaction() {
    let (sandbox, clock) = sandbox();
    let sender = ProviderPush::new(Egress::default(), clock);
    let notice = PushMessage {
        transaction_id: None,
        ..push()
    };
    sender
        .send(&destination(fcm(&sandbox), ADDRESS), &notice)
        .await
        .unwrap();

    let received = sandbox.wait_for_push(ADDRESS).await.unwrap();
    let message = &received.fields["message"];
    let data = serde_json::json!({ "profile_id": "AB12CD", "message": "Log in to Demo Bank?" });
    assert_eq!(message["data"], data);
    assert_eq!(message["android"].get("collapse_key"), None);
}
