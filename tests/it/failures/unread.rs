//! A client that never reads its answers.

use std::time::Duration;

use countersign::clock::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use crate::support::databases::Database;
use crate::support::process::Installation;

/// Far more than all buffers on the way hold.
const REQUESTS: usize = 20_000;
const REQUEST: &[u8] = b"GET /.well-known/openid-configuration HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let installation = Installation::new(Database::sqlite());
    let server = installation.serve().await;
    let address = server.public_url().socket_addrs(|| None).unwrap()[0];

    let socket = TcpSocket::new_v4().unwrap();
    // A small window, so that little is taken unread.
    socket.set_recv_buffer_size(4096).unwrap();
    let (mut reading, mut writing) = socket.connect(address).await.unwrap().into_split();

    // Nobody takes the requests either, once nobody reads the answers.
    let asking = tokio::spawn(async move {
        for _ in 0..REQUESTS {
            if writing.write_all(REQUEST).await.is_err() {
                return;
            }
        }
    });

    // The kernel's own time: more than `UNREAD_TIMEOUT`, and until it probes the window again.
    Clock::system().sleep(Duration::from_secs(45)).await;

    // What is read now is what was buffered, and then the connection is gone.
    let mut received = 0;
    let mut buffer = vec![0; 65_536];
    let rest = async {
        while let Ok(count @ 1..) = reading.read(&mut buffer).await {
            received += count;
        }
    };
    timeout(Duration::from_secs(30), rest)
        .await
        .expect("the connection is cut");

    assert!(received > 0);
    timeout(Duration::from_secs(30), asking)
        .await
        .expect("nobody takes further requests")
        .unwrap();
    assert!(
        received < REQUESTS * 500,
        "{received} bytes are answers to all"
    );
}
