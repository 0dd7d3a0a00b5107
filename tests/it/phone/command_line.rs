//! `countersign phone`: between commands only the state file remains.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::server::{APPLICATION, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, TestServer};

/// Runs one command. Returns its standard output, or the standard error if it fails.
async fn phone(server: &TestServer, arguments: &[&str]) -> Result<String, String> {
    phone_with(server, arguments, "", &[]).await
}

/// Like [`phone`], with standard input and more environment variables.
async fn phone_with(
    server: &TestServer,
    arguments: &[&str],
    typed: &'static str,
    environment: &[(&str, &str)],
) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command
        .arg("phone")
        .arg("--state")
        .arg(server.folder().join("phone.json"))
        .args(arguments);

    command.env("PHONE_LOGIN_SECRET", CLIENT_SECRET);
    command.envs(environment.iter().copied());

    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());

    let run = move || {
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may have ended before.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        child.wait_with_output().unwrap()
    };

    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();

    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}

/// Registers a phone, logs alice in on it and enrols her.
async fn enrol(server: &TestServer) {
    let url = server.public_url.as_str();

    let register = [
        "register",
        "--server",
        url,
        "--application",
        APPLICATION,
        "--app-version",
        "1.0",
    ];

    phone(server, &register).await.unwrap();

    let log_in = [
        "log-in",
        "alice",
        "--redirect-uri",
        REDIRECT_URI,
        "--login-client",
        CLIENT_ID,
    ];

    phone(server, &log_in).await.unwrap();

    phone(server, &["enrol", "alice"]).await.unwrap();
}

#[tokio::test]
async fn a_phone_keeps_its_state_between_commands() {
    let server = TestServer::start().await;
    enrol(&server).await;

    assert!(
        phone(&server, &["status"])
            .await
            .unwrap()
            .contains("user   alice (profile ")
    );

    assert_eq!(
        phone(&server, &["pending"]).await.unwrap(),
        "Nothing waits for an answer.\n"
    );

    let id = server.start_push("alice").await;

    assert!(
        phone(&server, &["pending"])
            .await
            .unwrap()
            .contains("  message   Pay?\n")
    );

    assert!(
        phone(&server, &["report", &id.to_string()])
            .await
            .unwrap()
            .contains("  now       denied\n")
    );

    assert_eq!(
        server.result(id).await["not_authenticated_reason"]["reason"],
        json!("reported")
    );

    let error = phone(&server, &["accept", &id.to_string()])
        .await
        .unwrap_err();
    assert!(
        error.contains("already_final") || error.contains("not_found"),
        "{error}"
    );

    let started = server
        .post_start(&[("type", "scan"), ("message", "Log in?")])
        .await;
    let output = phone(&server, &["otp", started["otp"].as_str().unwrap()])
        .await
        .unwrap();
    assert!(output.contains("  now       accepted\n"), "{output}");
}

#[tokio::test]
async fn a_pin_can_be_typed_or_in_the_environment() {
    let server = TestServer::start().await;
    enrol(&server).await;

    assert!(
        phone(&server, &["status"])
            .await
            .unwrap()
            .contains("; refresh: default)")
    );

    assert!(
        phone_with(&server, &["set-pin", "alice"], "\n", &[])
            .await
            .unwrap_err()
            .contains("the PIN is empty")
    );

    let output = phone_with(&server, &["set-pin", "alice"], "1234\n", &[])
        .await
        .unwrap();
    assert_eq!(output, "PIN: alice has a PIN on this phone.\n");

    let pin = [("PHONE_PIN", "1234")];
    let output = phone_with(&server, &["refresh", "alice"], "", &pin)
        .await
        .unwrap();
    assert_eq!(output, "alice has a new access token.\n");

    let error = phone(&server, &["refresh", "alice", "--pin", "4321"])
        .await
        .unwrap_err();
    assert!(
        error.contains("invalid_proof") && error.contains("(2 attempts left)"),
        "{error}"
    );

    let output = phone_with(&server, &["set-pin", "alice"], "1234\n5678\n", &[])
        .await
        .unwrap();
    assert_eq!(output, "Old PIN: PIN: alice has a new PIN on this phone.\n");

    let error = phone_with(
        &server,
        &["set-pin", "alice"],
        "",
        &[("PHONE_OLD_PIN", "0"), ("PHONE_PIN", "1")],
    )
    .await;

    assert!(error.unwrap_err().contains("invalid_proof"));

    let pin = [("PHONE_PIN", "5678")];
    phone_with(&server, &["refresh", "alice"], "", &pin)
        .await
        .unwrap();

    phone_with(&server, &["set-fingerprint", "alice"], "", &pin)
        .await
        .unwrap();

    phone_with(&server, &["refresh", "alice", "--fingerprint"], "", &pin)
        .await
        .unwrap();

    let status = phone(&server, &["status"]).await.unwrap();
    assert!(status.contains("; refresh: fingerprint, pin)"), "{status}");
}

#[tokio::test]
async fn a_missing_state_file_is_reported() {
    let server = TestServer::start().await;
    let error = phone(&server, &["pending"]).await.unwrap_err();
    assert!(
        error.starts_with("countersign: the phone's state file: "),
        "{error}"
    );
}
