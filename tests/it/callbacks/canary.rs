//! A listener that counts connections and answers all of them with the same bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(super) struct Canary {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Canary {
    /// Answers all requests with `head` and a body of up to `body_bytes` zeros. Stops when the client
    /// stops reading.
    pub(super) async fn answering(head: String, body_bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, written) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, sent) = (Arc::clone(&connections), Arc::clone(&written));

        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);

                // One read is enough, because the requests are smaller than a segment.
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                if read == 0 || stream.write_all(head.as_bytes()).await.is_err() {
                    continue;
                }

                let zeros = vec![0; 64 * 1024];
                let mut left = body_bytes;

                while left > 0
                    && stream
                        .write_all(&zeros[..left.min(zeros.len())])
                        .await
                        .is_ok()
                {
                    sent.fetch_add(left.min(zeros.len()), Ordering::SeqCst);
                    left = left.saturating_sub(zeros.len());
                }
            }
        });

        Self {
            address,
            connections,
            written,
            task,
        }
    }

    pub(super) async fn accepting() -> Self {
        Self::answering(
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_owned(),
            0,
        )
        .await
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How much of the body the clients accepted.
    pub(super) fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/callback", self.address)
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.task.abort();
    }
}
