//! The time and memory for listing the tokens of a user, measured in a child process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign::clock::Clock;
use countersign::ids::uuid_v7;
use countersign::random::{self, SystemRandom};
use countersign::secret::{Keyring, TokenKind};
use countersign::store::DatabaseUrl;
use countersign::store::journal::{Entry, Insert};
use countersign::store::rows::{AccessTokenRow, GrantRow};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::memory::resident_bytes;
use super::world::{CLIENT_ID, CLIENT_SECRET, World};

const TOKENS_PER_GRANT: usize = 10;

/// Prints the cells of the table.
pub fn measure(url: DatabaseUrl, count: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");

    let world = World::start(url, None);
    runtime.block_on(async {
        let token = fill(&world, count).await;

        // The first listing fills pools and caches.
        list(&world, &token).await;

        let before = resident_bytes();
        let (peak, done) = (
            Arc::new(AtomicUsize::new(before)),
            Arc::new(AtomicBool::new(false)),
        );
        let watcher = {
            let (peak, done) = (Arc::clone(&peak), Arc::clone(&done));
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    peak.fetch_max(resident_bytes(), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(1));
                }
            })
        };

        let (first, total, size) = list(&world, &token).await;
        done.store(true, Ordering::Relaxed);
        watcher.join().expect("the watcher ends");

        println!(
            "{:.1} ms | {:.0} ms | {:.1} MB | {:.1} MB |",
            first.as_secs_f64() * 1000.0,
            total.as_secs_f64() * 1000.0,
            size as f64 / 1e6,
            (peak.load(Ordering::Relaxed) - before) as f64 / 1e6,
        );

        // Skips the clean-up, which the operating system does faster.
        std::process::exit(0);
    });
}

/// Inserts this many tokens of a user. Returns one of them as text.
async fn fill(world: &World, count: usize) -> String {
    let now = Clock::system().now();
    let id = || uuid_v7(now, &SystemRandom).into_bytes().to_vec();
    let expires_at = now.after(Duration::from_secs(3600)).as_millis();
    let mut text = String::new();

    for first in (0..count).step_by(TOKENS_PER_GRANT) {
        let grant = GrantRow {
            id: id(),
            client_id: "shop".to_owned(),
            user_id: "busy".to_owned(),
            scope: "orders".to_owned(),
            auth_time: now.as_millis(),
            created_at: now.as_millis(),
            expires_at,
            ..GrantRow::default()
        };

        let mut inserts = vec![Insert::from(grant.clone())];

        for _ in first..count.min(first + TOKENS_PER_GRANT) {
            let token = id();
            text = URL_SAFE_NO_PAD
                .encode([token.as_slice(), &random::bytes::<32>(&SystemRandom)].concat());

            inserts.push(Insert::from(AccessTokenRow {
                id: token,
                token_hash: Some(
                    Keyring::token_hash(&world.keyring, TokenKind::Access, &text).to_vec(),
                ),
                grant_id: Some(grant.id.clone()),
                client_id: "shop".to_owned(),
                user_id: Some("busy".to_owned()),
                scope: "orders".to_owned(),
                issued_at: now.as_millis(),
                expires_at,
                ..AccessTokenRow::default()
            }));
        }

        let committed = world
            .app
            .base
            .store
            .commit(Entry {
                inserts,
                ..Entry::default()
            })
            .await;

        assert!(committed.is_ok(), "{committed:?}");
    }

    text
}

/// Lists the tokens. Returns the time to the first byte, the total time, and the number of bytes.
async fn list(world: &World, token: &str) -> (Duration, Duration, usize) {
    let credentials = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
    let grant_type = "urn%3Aoa4mp%3Aparams%3Aoauth%3Agrant-type%3Atoken-info";
    let request = format!(
        "GET /oauth/token?grant_type={grant_type}&access_token={token} HTTP/1.1\r\nHost: localhost\r\n\
         Connection: close\r\nAuthorization: Basic {credentials}\r\n\r\n"
    );

    let mut stream = TcpStream::connect(world.address)
        .await
        .expect("the server accepts connections");

    let started = Instant::now();

    stream
        .write_all(request.as_bytes())
        .await
        .expect("the server reads");

    let (mut buffer, mut size, mut first) = (vec![0; 64 * 1024], 0, None);

    loop {
        let count = stream.read(&mut buffer).await.expect("the server answers");
        if first.is_none() {
            first = Some(started.elapsed());
            let head = String::from_utf8_lossy(&buffer[..count.min(200)]).into_owned();
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        }

        if count == 0 {
            return (first.unwrap_or_default(), started.elapsed(), size);
        }

        size += count;
    }
}
