//! One-time passwords.

use serde_json::json;

use crate::support::server::TestServer;

#[tokio::test]
async fn the_user_who_scans_the_code_is_authenticated() {
    let server = TestServer::start().await;
    let phone = server.enrolled_phone("alice").await;
    let profile = phone.profile_id(&"alice".parse().unwrap()).unwrap();

    let started = server
        .post_start(&[("type", "scan"), ("message", "Log in?")])
        .await;
    let otp = started["otp"].as_str().unwrap();
    let transaction = phone.scan_otp(otp, profile).await.unwrap();
    assert_eq!(transaction.pending.message, "Log in?");
    assert_eq!(transaction.pending.method, "otp");
    assert_eq!(phone.accept(&transaction).await.unwrap(), "accepted");

    let result = server.result(transaction.pending.transaction_id).await;
    assert_eq!(
        (&result["user_id"], &result["is_authenticated"]),
        (&json!("alice"), &json!(true))
    );
}

#[tokio::test]
async fn a_code_can_be_scanned_by_one_user_only() {
    let server = TestServer::start().await;
    let (alices, bobs) = (
        server.enrolled_phone("alice").await,
        server.enrolled_phone("bob").await,
    );

    let started = server
        .post_start(&[("type", "scan"), ("message", "Log in?")])
        .await;
    let otp = started["otp"].as_str().unwrap();
    let alice = alices.profile_id(&"alice".parse().unwrap()).unwrap();
    let bob = bobs.profile_id(&"bob".parse().unwrap()).unwrap();
    let transaction = alices.scan_otp(otp, alice).await.unwrap();
    assert!(bobs.scan_otp(otp, bob).await.unwrap_err().code().is_some());

    // The same phone may scan it again, because the response may have been lost.
    let again = alices.scan_otp(otp, alice).await.unwrap();
    assert_eq!(again.content_digest, transaction.content_digest);

    assert!(
        alices
            .scan_otp("AAAA", alice)
            .await
            .unwrap_err()
            .code()
            .is_some()
    );
}
