//! Raw requests: those that are ambiguous or arrive too slowly are refused.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::START;
use crate::support::app::TestApp;
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    an_ambiguous_request_is_refused,
    an_offer_to_upgrade_is_not_taken,
    a_chunked_body_has_the_same_limit,
    a_body_that_does_not_arrive_times_out,
    a_client_that_disconnects_does_no_harm,
);

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.public_url.strip_prefix("http://").unwrap())
        .await
        .unwrap()
}

/// Sends bytes, and reads until the server closes the connection or has sent the head of a response.
async fn exchange(app: &TestApp, bytes: &[u8]) -> String {
    let mut stream = connect(app).await;
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];

    loop {
        let length = stream.read(&mut buffer).await.unwrap_or(0);
        answer.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&answer);

        if length == 0 || text.contains("\r\n\r\n") {
            return text.into_owned();
        }
    }
}

async fn an_ambiguous_request_is_refused(database: Database) {
    let app = TestApp::start(database).await;

    let request = |headers: &str, body: &str| {
        format!(
            "POST {START} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n{headers}\r\n{body}"
        )
    };

    let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let cases = [
        request(
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            smuggled,
        ),
        request(
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            smuggled,
        ),
        request("Content-Length: 5\r\nContent-Length: 6\r\n", "a=1&b=2"),
        request("Content-Length: +5\r\n", "a=1&b"),
        request("Content-Length: 5, 5\r\n", "a=1&b"),
        request("Content-Length: -1\r\n", "a=1&b"),
        request("Transfer-Encoding: identity, chunked\r\n", smuggled),
        request("Transfer-Encoding: xchunked\r\n", smuggled),
        request(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            smuggled,
        ),
        request("X-Folded: a\r\n b\r\n", ""),
        request("X Y: a\r\n", ""),
        request("X : a\r\n", ""),
        request("X: a\0b\r\n", ""),
        request("Host: y\r\n", ""),
        format!("POST {START} HTTP/1.1\r\n\r\n"),
        format!("POST {START} HTTP/1.1 \r\nHost: x\r\n\r\n"),
        "GET\r\n\r\n".to_owned(),
    ];

    for bytes in cases {
        let answer = exchange(&app, bytes.as_bytes()).await;
        let refused = answer.is_empty()
            || answer.starts_with("HTTP/1.1 4")
            || answer.starts_with("HTTP/1.0 4");
        assert!(
            refused && answer.matches("HTTP/1.1 ").count() <= 1,
            "{bytes:?}\n{answer}"
        );

        assert!(
            !answer.starts_with("HTTP/1.1 404"),
            "smuggled: {bytes:?}\n{answer}"
        );
    }
}

async fn an_offer_to_upgrade_is_not_taken(database: Database) {
    let app = TestApp::start(database).await;
    // As the HTTP client of the JDK offers it.
    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
               HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n";
    let websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let body = "grant_type=client_credentials";

    for offer in [h2c, websocket] {
        let read = format!("GET /oauth/keys HTTP/1.1\r\nHost: x\r\n{offer}\r\n");
        let sent = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: x\r\n{offer}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );

        for (request, status) in [(&read, "200"), (&sent, "401")] {
            // A WebSocket begins with a GET.
            if offer == websocket && request == &sent {
                continue;
            }

            let answer = exchange(&app, request.as_bytes()).await.to_lowercase();
            assert!(
                answer.starts_with(&format!("http/1.1 {status}")),
                "{answer}"
            );
            // Else the client would send its next request on a connection that is about to end.
            assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        }
    }

    let usual = exchange(&app, b"GET /oauth/keys HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(!usual.to_lowercase().contains("connection:"), "{usual}");
}

async fn a_chunked_body_has_the_same_limit(database: Database) {
    let app = TestApp::start(database).await;

    let head = format!(
        "POST {START} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );

    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let answer = exchange(
        &app,
        format!("{head}{}0\r\n\r\n", chunk.repeat(5)).as_bytes(),
    )
    .await;

    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

async fn a_body_that_does_not_arrive_times_out(database: Database) {
    let app = TestApp::start(database).await;
    let mut stream = connect(&app).await;

    let head = format!(
        "POST {START} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 100\r\n\r\ntype="
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let mut read = std::pin::pin!(stream.read_exact(&mut answer));

    // The first time the clock moves, the server may not have started its timer.
    while tokio::time::timeout(Duration::from_millis(20), &mut read)
        .await
        .is_err()
    {
        app.clock.advance(Duration::from_secs(11));
    }

    assert_eq!(&answer, b"HTTP/1.1 408");
}

async fn a_client_that_disconnects_does_no_harm(database: Database) {
    let app = TestApp::start(database).await;
    for bytes in [
        "POST ",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    ] {
        let mut stream = connect(&app).await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        drop(stream);
    }

    assert_eq!(
        app.get(&format!("{START}/alice/enabled"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}
