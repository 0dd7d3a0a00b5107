//! Text messages through Twilio and through the generic gateway.

use countersign::egress::{Cause, Egress, FailureKind, ProviderFailure};
use countersign::sandbox::{Fault, Provider, Sandbox, SandboxOptions};
use countersign::settings::SmsConfiguration;
use countersign::sms::{GatewaySms, SmsMessage, SmsSender as _};

use super::{RETRY, impatient, retry_after};
use crate::support::sandbox::{secret, sms_gateway, twilio};

const TO: &str = "+31612345678";

fn message(sender_id: Option<&str>) -> SmsMessage {
    SmsMessage {
        to: TO.parse().unwrap(),
        text: secret("Your code: 012345 & more\n@portal.example #012345"),
        code: secret("012345"),
        sender_id: sender_id.map(str::to_owned),
    }
}

async fn send(gateway: &SmsConfiguration, message: &SmsMessage) -> Result<(), ProviderFailure> {
    GatewaySms::new(&Egress::default())
        .unwrap()
        .send(gateway, message)
        .await
}

async fn failure(gateway: &SmsConfiguration) -> FailureKind {
    let failure = send(gateway, &message(None)).await.unwrap_err();
    assert!(!failure.to_string().contains("316"), "{failure}");
    failure.kind
}

async fn assert_timeout(gateway: &SmsConfiguration) {
    let failure = GatewaySms::new(&impatient())
        .unwrap()
        .send(gateway, &message(None))
        .await
        .unwrap_err();

    assert_eq!(
        (failure.kind, failure.detail.as_ref()),
        (FailureKind::Doubtful, "timeout")
    );
}

#[tokio::test]
async fn twilio_takes_a_message() {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    send(&twilio(&sandbox), &message(None)).await.unwrap();

    send(&twilio(&sandbox), &message(Some("Demo Bank")))
        .await
        .unwrap();

    let received = sandbox.wait_for_sms(TO).await.unwrap();
    assert_eq!(
        received.text(),
        Some("Your code: 012345 & more\n@portal.example #012345")
    );

    assert_eq!(received.code(), Some("012345"));

    let senders: Vec<_> = sandbox
        .received(Provider::Twilio)
        .iter()
        .map(|sms| sms.fields["From"].clone())
        .collect();

    assert_eq!(senders, ["+15005550006", "Demo Bank"]);
}

#[tokio::test]
async fn a_refused_sender_is_replaced_by_the_default_number_once() {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    sandbox.fail(
        Provider::Twilio,
        Fault::status(400).reason("21612").times(1),
    );

    send(&twilio(&sandbox), &message(Some("Demo")))
        .await
        .unwrap();

    assert_eq!(sandbox.requests(Provider::Twilio), 2);

    assert_eq!(
        sandbox.wait_for_sms(TO).await.unwrap().fields["From"],
        "+15005550006"
    );

    sandbox.fail(Provider::Twilio, Fault::status(400).reason("21659"));

    let refused = send(&twilio(&sandbox), &message(Some("Demo")))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.kind, refused.to_string()),
        (
            FailureKind::Configuration,
            "twilio: status 400, 21659".to_owned()
        )
    );

    assert_eq!(sandbox.requests(Provider::Twilio), 4);

    // Other refusals are not about the sender, and there is no fallback for the default number.
    sandbox.fail(Provider::Twilio, Fault::status(400).reason("21610"));

    assert_eq!(
        send(&twilio(&sandbox), &message(Some("Demo")))
            .await
            .unwrap_err()
            .kind,
        FailureKind::Blocked
    );

    sandbox.fail(Provider::Twilio, Fault::status(400).reason("21659"));

    assert_eq!(
        send(&twilio(&sandbox), &message(None))
            .await
            .unwrap_err()
            .kind,
        FailureKind::Configuration
    );

    assert_eq!(sandbox.requests(Provider::Twilio), 6);
}

#[tokio::test]
async fn twilio_failures() {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();

    let cases = [
        (
            Fault::status(429).reason("20429").retry_after(7),
            retry_after(7),
        ),
        (Fault::status(503), RETRY),
        (
            Fault::status(401).reason("20003"),
            FailureKind::Configuration,
        ),
        (Fault::status(400).reason("21211"), FailureKind::Blocked),
        (Fault::drop_connection(), FailureKind::Doubtful),
    ];

    for (fault, kind) in cases {
        sandbox.fail(Provider::Twilio, fault.clone());
        assert_eq!(failure(&twilio(&sandbox)).await, kind, "{fault:?}");
    }

    sandbox.fail(Provider::Twilio, Fault::hang());
    assert_timeout(&twilio(&sandbox)).await;
}

#[tokio::test]
async fn twilio_refuses_wrong_credentials() {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    let SmsConfiguration::Twilio {
        account_sid,
        from_number,
        endpoint,
        ..
    } = twilio(&sandbox)
    else {
        unreachable!()
    };

    let wrong = SmsConfiguration::Twilio {
        account_sid,
        auth_token: secret("wrong"),
        from_number,
        endpoint,
    };

    assert_eq!(failure(&wrong).await, FailureKind::Configuration);
}

#[tokio::test]
async fn the_gateway_gets_text_and_code_apart() {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    send(&sms_gateway(&sandbox), &message(None)).await.unwrap();

    send(&sms_gateway(&sandbox), &message(Some("Demo")))
        .await
        .unwrap();

    let received = sandbox.received(Provider::Http);
    assert_eq!(
        received[0].fields,
        serde_json::json!({
            "phone_number": TO,
            "message": "Your code: 012345 & more\n@portal.example #012345",
            "verification_code": "012345",
        })
    );

    assert_eq!(received[1].fields["sender_id"], "Demo");
}

#[tokio::test]
async fn gateway_failures() {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();

    let cases = [
        (Fault::status(200), FailureKind::Blocked),
        (Fault::status(400), FailureKind::Blocked),
        (Fault::status(302), FailureKind::Configuration),
        (Fault::status(401), FailureKind::Configuration),
        (Fault::status(429).retry_after(2), retry_after(2)),
        (Fault::status(500), RETRY),
        (Fault::drop_connection(), FailureKind::Doubtful),
    ];

    for (fault, kind) in cases {
        sandbox.fail(Provider::Http, fault.clone());
        assert_eq!(failure(&sms_gateway(&sandbox)).await, kind, "{fault:?}");
    }

    sandbox.fail(Provider::Http, Fault::hang());
    assert_timeout(&sms_gateway(&sandbox)).await;

    let SmsConfiguration::Http { endpoint, .. } = sms_gateway(&sandbox) else {
        unreachable!()
    };
    sandbox.heal(Provider::Http);

    assert_eq!(
        failure(&SmsConfiguration::Http {
            endpoint,
            credentials: None
        })
        .await,
        FailureKind::Configuration
    );
}

#[tokio::test]
async fn the_cause_of_a_failure_is_told() {
    let gateway = |url: &str| SmsConfiguration::Http {
        endpoint: url.parse().unwrap(),
        credentials: None,
    };

    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    let apns = sandbox.endpoints().apns.clone();

    for (url, kind, cause) in [
        (format!("http://{closed}/"), RETRY, Cause::Refused),
        ("http://nowhere.invalid/".to_owned(), RETRY, Cause::Dns),
        // Its certificate is the sandbox's own.
        (apns, RETRY, Cause::TlsUntrusted),
    ] {
        let failure = send(&gateway(&url), &message(None)).await.unwrap_err();
        assert_eq!((failure.kind, failure.cause), (kind, cause), "{url}");
    }
}
