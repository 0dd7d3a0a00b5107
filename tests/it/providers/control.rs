//! The sandbox, driven from outside as by another program.

use std::os::unix::fs::PermissionsExt as _;

use countersign::egress::Egress;
use countersign::sandbox::{CallbackProblem, Provider, Sandbox, SandboxOptions};
use countersign::sms::{GatewaySms, SmsMessage, SmsSender as _};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::sandbox;
use crate::support::sandbox::{secret, twilio};

async fn get(sandbox: &Sandbox, path: &str) -> Value {
    let client = Egress::default().client(None).unwrap();
    client
        .get(format!("{}{path}", sandbox.endpoints().control))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn faults_and_messages_over_http() {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    let client = Egress::default().client(None).unwrap();
    let faults = format!("{}/sandbox/faults", sandbox.endpoints().control);
    let put = async |provider: &str, fault: Value| {
        client
            .put(format!("{faults}/{provider}"))
            .json(&fault)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };

    assert_eq!(
        put("twilio", json!({ "status": 503, "times": 1 })).await,
        204
    );

    assert_eq!(put("nobody", json!({ "status": 503 })).await, 404);
    assert_eq!(put("apns", json!({ "state": 503 })).await, 422);
    assert_eq!(put("apns", json!({ "status": 42 })).await, 422);

    let (sms, gateway) = (
        GatewaySms::new(&Egress::default()).unwrap(),
        twilio(&sandbox),
    );

    let message = SmsMessage {
        to: "+31612345678".parse().unwrap(),
        text: secret("012345"),
        code: secret("012345"),
        sender_id: None,
    };

    sms.send(&gateway, &message).await.unwrap_err();

    let (waited, sent) = tokio::join!(
        get(
            &sandbox,
            "/sandbox/messages?provider=twilio&to=%2B31612345678&after=1&wait=10"
        ),
        sms.send(&gateway, &message)
    );

    sent.unwrap();
    assert_eq!(waited["messages"][0]["fields"]["Body"], "012345");
    assert_eq!(waited["messages"][0]["status"], 201);

    assert_eq!(
        get(&sandbox, "/sandbox/messages?provider=fcm").await,
        json!({ "messages": [] })
    );

    assert_eq!(
        get(&sandbox, "/sandbox").await["endpoints"]["twilio"],
        sandbox.endpoints().twilio
    );

    assert_eq!(put("twilio", json!({ "drop_connection": true })).await, 204);

    sms.send(&gateway, &message).await.unwrap_err();

    assert_eq!(
        client
            .delete(format!("{faults}/twilio"))
            .send()
            .await
            .unwrap()
            .status(),
        204
    );

    sms.send(&gateway, &message).await.unwrap();
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_callback_is_checked_as_a_careful_website_would() {
    let (sandbox, clock) = sandbox();
    let credentials = sandbox.credentials().clone();
    let body = json!({ "callback_uri": "x", "transaction_id": "t1" }).to_string();
    let webhook = Webhook::new(&credentials.callback_signing_secret).unwrap();
    let client = Egress::default().client(None).unwrap();
    let call = async |signed_at: i64, password: &str, body: &str, signed: &str| {
        let signature = webhook.sign("msg_1", signed_at, signed.as_bytes()).unwrap();
        let request = client.post(format!("{}/callback", sandbox.endpoints().website));
        let request = request.basic_auth(&credentials.callback_username, Some(password));
        let request = request
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", signed_at);
        request
            .header("webhook-signature", signature)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();

        sandbox.check_callback(sandbox.received(Provider::Website).last().unwrap())
    };

    let (now, password) = (
        clock.now().as_secs(),
        credentials.callback_password.as_str(),
    );
    assert_eq!(call(now, password, &body, &body).await, Ok(()));

    assert_eq!(
        sandbox.wait_for_callback("t1").await.unwrap().to,
        "/callback"
    );

    assert_eq!(
        call(now, "wrong", &body, &body).await,
        Err(CallbackProblem::Credentials)
    );

    assert_eq!(
        call(now, password, &body, "other").await,
        Err(CallbackProblem::Signature)
    );

    assert_eq!(
        call(now - 301, password, &body, &body).await,
        Err(CallbackProblem::Time)
    );
}

#[tokio::test]
async fn the_files_for_apply_are_for_the_owner_only() {
    let (sandbox, _) = sandbox();
    let folder = std::env::temp_dir().join(format!("countersign-sandbox-{}", std::process::id()));
    sandbox.write_files(&folder).unwrap();
    sandbox.write_files(&folder).unwrap();
    let text = std::fs::read_to_string(folder.join("sandbox.toml")).unwrap();
    assert_eq!(text, sandbox.apply_file());

    let parsed: toml::Table = toml::from_str(&text).unwrap();
    assert_eq!(
        parsed["sms"]["endpoint"].as_str(),
        Some(sandbox.endpoints().twilio.as_str())
    );

    for reference in text
        .split("\"file:")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
    {
        let metadata = std::fs::metadata(folder.join(reference)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{reference}");
    }

    std::fs::remove_dir_all(folder).unwrap();
}
