//! Phones that were saved and loaded.

use countersign::phone::Phone;

use crate::support::server::TestServer;

#[tokio::test]
async fn a_loaded_phone_can_answer() {
    let server = TestServer::start().await;
    let phone = server.enrolled_phone("alice").await;
    let file = server.folder().join("phone.json");
    phone.save(&file).unwrap();
    drop(phone);
    let phone = Phone::load(&file).unwrap();
    assert_eq!(phone.users().len(), 1);

    let id = server.start_push("alice").await;
    let transaction = phone.fetch(id).await.unwrap();
    assert_eq!(phone.accept(&transaction).await.unwrap(), "accepted");
}
