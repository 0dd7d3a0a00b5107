//! Answering pushes, also with wrong answers.

use std::time::Duration;

use countersign::clock::Clock;
use countersign::ids::TransactionId;
use countersign::jose::{PrivateJwk, jws};
use countersign::phone::{AnswerClaims, Decision, FetchedTransaction, Phone};
use countersign::random::SystemRandom;
use serde_json::json;

use crate::support::server::TestServer;

async fn fetched(server: &TestServer, phone: &Phone) -> FetchedTransaction {
    let id = server.start_push("alice").await;
    phone.fetch(id).await.unwrap()
}

#[tokio::test]
async fn an_accepted_push_is_authenticated() {
    let server = TestServer::start().await;
    let phone = server.enrolled_phone("alice").await;

    let id = server
        .start_transaction(&[
            ("type", "login"),
            ("user_id", "alice"),
            ("message", "Pay?"),
            ("secure_message", "10 to Bob"),
        ])
        .await;

    let push = server
        .sandbox
        .wait_for(|received| received.transaction_id() == Some(&id.to_string()))
        .await
        .unwrap();

    assert_eq!(push.field("message"), Some("Pay?"));

    assert!(
        !push.body.contains("10 to Bob"),
        "the push contains the secure message: {}",
        push.body
    );

    let listed = phone.pending(Duration::ZERO).await.unwrap();
    assert_eq!(listed.len(), 1);

    assert_eq!(
        (
            listed[0].transaction_id,
            listed[0].method.as_str(),
            listed[0].message.as_str()
        ),
        (id, "push", "Pay?")
    );

    let transaction = phone.fetch(id).await.unwrap();
    assert_eq!(transaction.pending.message, "Pay?");
    assert_eq!(transaction.secure_message.as_deref(), Some("10 to Bob"));
    assert_eq!(phone.accept(&transaction).await.unwrap(), "accepted");

    let result = server.result(id).await;
    assert_eq!(result["is_authenticated"], json!(true));
    assert_eq!(result["status"], json!("accepted"));
    assert_eq!(result["user_id"], json!("alice"));
    assert_eq!(phone.pending(Duration::ZERO).await.unwrap(), []);
}

#[tokio::test]
async fn denied_and_reported_pushes_have_different_reasons() {
    let server = TestServer::start().await;
    let phone = server.enrolled_phone("alice").await;
    let denied = fetched(&server, &phone).await;
    assert_eq!(phone.deny(&denied).await.unwrap(), "denied");

    let reported = fetched(&server, &phone).await;
    assert_eq!(phone.report(&reported).await.unwrap(), "denied");

    for (transaction, reason) in [(denied, "not_accepted"), (reported, "reported")] {
        let result = server.result(transaction.pending.transaction_id).await;
        assert_eq!(result["is_authenticated"], json!(false));
        assert_eq!(result["not_authenticated_reason"]["reason"], json!(reason));
    }
}

#[tokio::test]
async fn a_waiting_phone_is_notified_at_once() {
    let server = TestServer::start().await;
    let phone = server.enrolled_phone("alice").await;
    let (pending, id) = tokio::join!(
        phone.pending(Duration::from_secs(30)),
        server.start_push("alice")
    );
    assert_eq!(pending.unwrap()[0].transaction_id, id);
}

#[tokio::test]
async fn each_kind_of_wrong_answer_has_its_error_code() {
    let server = TestServer::start().await;
    let phone = server.enrolled_phone("alice").await;
    let transaction = fetched(&server, &phone).await;
    let id = transaction.pending.transaction_id;
    let now = Clock::system().now();
    let right = AnswerClaims::new(id, Decision::Accept, &transaction.content_digest, now);

    let other_digest = AnswerClaims {
        content_digest: "AAAA".to_owned(),
        ..right.clone()
    };
    let refused = phone
        .send_answer(id, "device", &other_digest.sign(phone.key()).unwrap())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("stale_digest"));

    let refused = phone
        .send_answer(id, "pin", &right.sign(phone.key()).unwrap())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("wrong_authenticator"));

    let other_key = PrivateJwk::generate(&SystemRandom).unwrap();
    let refused = phone
        .send_answer(id, "device", &right.sign(&other_key).unwrap())
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), refused.attempts_left()),
        (Some("invalid_answer"), Some(2))
    );

    let other_transaction = AnswerClaims {
        transaction_id: TransactionId::new(now, &SystemRandom),
        ..right.clone()
    };
    let refused = phone
        .send_answer(id, "device", &other_transaction.sign(phone.key()).unwrap())
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), refused.attempts_left()),
        (Some("invalid_answer"), Some(1))
    );

    let no_decision = jws::sign(phone.key(), None, br#"{"decision":"perhaps"}"#).unwrap();
    let refused = phone
        .send_answer(id, "device", &no_decision)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), refused.attempts_left()),
        (Some("invalid_answer"), Some(0))
    );

    let refused = phone.accept(&transaction).await.unwrap_err();
    assert_eq!(refused.code(), Some("already_final"));

    assert_eq!(
        server.result(id).await["not_authenticated_reason"]["reason"],
        json!("invalid_answer")
    );
}

#[tokio::test]
async fn only_the_first_answer_counts() {
    let server = TestServer::start().await;
    let phone = server.enrolled_phone("alice").await;
    let transaction = fetched(&server, &phone).await;
    phone.accept(&transaction).await.unwrap();

    assert_eq!(
        phone.deny(&transaction).await.unwrap_err().code(),
        Some("already_final")
    );

    assert_eq!(
        server.result(transaction.pending.transaction_id).await["status"],
        json!("accepted")
    );
}

#[tokio::test]
async fn another_phone_sees_nothing() {
    let server = TestServer::start().await;
    let alices = server.enrolled_phone("alice").await;
    let bobs = server.enrolled_phone("bob").await;
    let transaction = fetched(&server, &alices).await;
    let id = transaction.pending.transaction_id;
    assert_eq!(bobs.pending(Duration::ZERO).await.unwrap(), []);
    assert_eq!(bobs.fetch(id).await.unwrap_err().code(), Some("not_found"));

    assert_eq!(
        bobs.accept(&transaction).await.unwrap_err().code(),
        Some("not_found")
    );

    assert_eq!(server.result(id).await["status"], json!("pending"));
}
