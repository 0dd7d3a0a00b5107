//! `countersign phone`: a phone between whose commands nothing is left but its state file.

use std::process::Command;

use serde_json::json;

use crate::support::server::{APPLICATION, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, TestServer};

/// Runs one command; what it said, or what it complained of.
async fn phone(server: &TestServer, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.arg("phone").arg("--state").arg(server.folder().join("phone.json")).args(arguments);
    command.env("PHONE_LOGIN_SECRET", CLIENT_SECRET);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[tokio::test]
async fn a_phone_lives_from_command_to_command() {
    let server = TestServer::start().await;
    let url = server.public_url.as_str();
    phone(&server, &["register", "--server", url, "--application", APPLICATION, "--app-version", "1.0"]).await.unwrap();
    phone(&server, &["log-in", "alice", "--redirect-uri", REDIRECT_URI, "--login-client", CLIENT_ID]).await.unwrap();
    phone(&server, &["enrol", "alice"]).await.unwrap();
    assert!(phone(&server, &["status"]).await.unwrap().contains("user   alice (profile "));
    assert_eq!(phone(&server, &["pending"]).await.unwrap(), "Nothing waits for an answer.\n");

    let id = server.start_push("alice").await;
    assert!(phone(&server, &["pending"]).await.unwrap().contains("  message   Pay?\n"));
    assert!(phone(&server, &["report", &id.to_string()]).await.unwrap().contains("  now       denied\n"));
    assert_eq!(server.result(id).await["not_authenticated_reason"]["reason"], json!("reported"));
    let complaint = phone(&server, &["accept", &id.to_string()]).await.unwrap_err();
    assert!(complaint.contains("already_final") || complaint.contains("not_found"), "{complaint}");

    let started = server.post_start(&[("type", "scan"), ("message", "Log in?")]).await;
    let said = phone(&server, &["otp", started["otp"].as_str().unwrap()]).await.unwrap();
    assert!(said.contains("  now       accepted\n"), "{said}");
}

#[tokio::test]
async fn without_a_state_file_it_says_so() {
    let server = TestServer::start().await;
    let complaint = phone(&server, &["pending"]).await.unwrap_err();
    assert!(complaint.starts_with("countersign: the phone's state file: "), "{complaint}");
}
