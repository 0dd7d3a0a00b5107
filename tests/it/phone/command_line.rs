//! `countersign phone`: a phone between whose commands nothing is left but its state file.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::server::{APPLICATION, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, TestServer};

/// Runs one command; what it said, or what it complained of.
async fn phone(server: &TestServer, arguments: &[&str]) -> Result<String, String> {
    phone_with(server, arguments, "", &[]).await
}

/// The same with something typed, and more in the environment.
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
        // Who asks for nothing may have ended before it is typed.
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

#[tokio::test]
async fn a_phone_lives_from_command_to_command() {
    let server = TestServer::start().await;
    let url = server.public_url.as_str();

    phone(
        &server,
        &[
            "register",
            "--server",
            url,
            "--application",
            APPLICATION,
            "--app-version",
            "1.0",
        ],
    )
    .await
    .unwrap();

    phone(
        &server,
        &[
            "log-in",
            "alice",
            "--redirect-uri",
            REDIRECT_URI,
            "--login-client",
            CLIENT_ID,
        ],
    )
    .await
    .unwrap();

    phone(&server, &["enrol", "alice"]).await.unwrap();

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

    let complaint = phone(&server, &["accept", &id.to_string()])
        .await
        .unwrap_err();
    assert!(
        complaint.contains("already_final") || complaint.contains("not_found"),
        "{complaint}"
    );

    let started = server
        .post_start(&[("type", "scan"), ("message", "Log in?")])
        .await;
    let said = phone(&server, &["otp", started["otp"].as_str().unwrap()])
        .await
        .unwrap();
    assert!(said.contains("  now       accepted\n"), "{said}");
}

#[tokio::test]
async fn a_pin_is_typed_or_comes_from_the_environment() {
    let server = TestServer::start().await;
    let url = server.public_url.as_str();

    phone(
        &server,
        &[
            "register",
            "--server",
            url,
            "--application",
            APPLICATION,
            "--app-version",
            "1.0",
        ],
    )
    .await
    .unwrap();

    phone(
        &server,
        &[
            "log-in",
            "alice",
            "--redirect-uri",
            REDIRECT_URI,
            "--login-client",
            CLIENT_ID,
        ],
    )
    .await
    .unwrap();

    phone(&server, &["enrol", "alice"]).await.unwrap();

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

    let said = phone_with(&server, &["set-pin", "alice"], "1234\n", &[])
        .await
        .unwrap();
    assert_eq!(said, "PIN: alice has a PIN on this phone.\n");

    let pin = [("PHONE_PIN", "1234")];
    let said = phone_with(&server, &["refresh", "alice"], "", &pin)
        .await
        .unwrap();
    assert_eq!(said, "alice has a new access token.\n");

    let complaint = phone(&server, &["refresh", "alice", "--pin", "4321"])
        .await
        .unwrap_err();
    assert!(
        complaint.contains("invalid_proof") && complaint.contains("(2 attempts left)"),
        "{complaint}"
    );

    let said = phone_with(&server, &["set-pin", "alice"], "1234\n5678\n", &[])
        .await
        .unwrap();
    assert_eq!(said, "Old PIN: PIN: alice has a new PIN on this phone.\n");

    let complaint = phone_with(
        &server,
        &["set-pin", "alice"],
        "",
        &[("PHONE_OLD_PIN", "0"), ("PHONE_PIN", "1")],
    )
    .await;
    assert!(complaint.unwrap_err().contains("invalid_proof"));

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
async fn without_a_state_file_it_says_so() {
    let server = TestServer::start().await;
    let complaint = phone(&server, &["pending"]).await.unwrap_err();
    assert!(
        complaint.starts_with("countersign: the phone's state file: "),
        "{complaint}"
    );
}
