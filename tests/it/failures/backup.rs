//! A backup by another program, while the server runs.

use crate::support::databases::Database;
use crate::support::process::{Installation, Process};

/// SQLite deletes the write-ahead log when the last program closes the database. A server whose locks
/// were lost would not count as one.
#[tokio::test]
async fn a_backup_by_another_program_takes_nothing_from_the_server() {
    let installation = Installation::new(Database::sqlite());
    let server = installation.serve().await;
    assert_eq!(start(&server, "alice").await, 200);

    // Opens the database, reads it and closes it again.
    installation.run(&["backup", "copy.db"]);

    let mut ids = Vec::new();
    for number in 0..20 {
        let user = format!("user-{number}");
        let response = server
            .start_sms(&user, "+31612345678")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let body: serde_json::Value = response.json().await.unwrap();
        ids.push(body["transaction_id"].as_str().unwrap().to_owned());
    }

    server.signal("KILL");
    server.ended().await;

    let server = installation.serve().await;
    for id in ids {
        assert_eq!(
            server.result(&id).send().await.unwrap().status(),
            200,
            "{id}"
        );
    }
}

async fn start(server: &Process, user: &str) -> u16 {
    let response = server.start_sms(user, "+31612345678").send().await.unwrap();
    response.status().as_u16()
}
