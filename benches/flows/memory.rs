//! The resident memory of live transactions, measured in a child process.

use std::time::Instant;

use countersign::ids::{ClientId, UserId};
use countersign::store::DatabaseUrl;
use countersign::transactions::StartRequest;
use futures_util::{StreamExt as _, stream};

use super::world::{self, CLIENT_ID};

const CONCURRENT_STARTS: usize = 1024;
/// Transactions before the first measurement, which fill pools and caches and start threads.
const WARM_UP: usize = 2_000;

/// Prints the cells of the table.
pub fn measure(url: DatabaseUrl, count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let app = world::app(url, None, &world::config("http://127.0.0.1"));
        start(&app, WARM_UP).await;

        let (before, started) = (resident_bytes(), Instant::now());
        start(&app, count).await;
        let each = (resident_bytes() - before) as f64 / count as f64;
        let live = usize::try_from(app.base.metrics.live_transactions().get());
        assert_eq!(live, Ok(WARM_UP + count));
        println!("{each:.0} B | {:.0} s |", started.elapsed().as_secs_f64());

        // Skips the clean-up, which the operating system does faster.
        std::process::exit(0);
    });
}

async fn start(app: &countersign::app::AppState, count: usize) {
    let client = ClientId::new(CLIENT_ID).expect("an id");

    stream::iter(0..count)
        .map(|index| {
            let request = StartRequest {
                type_name: "sms".to_owned(),
                user_id: Some(UserId::new(&format!("user-{index}")).expect("an id")),
                device_id: None,
                callback_uri: None,
                message: Some("Your code: {code}".to_owned()),
                secure_message: None,
                signing_data: None,
                phone_number: Some("+15055551234".to_owned()),
                language_code: None,
                ip_address: None,
                user_agent: None,
            };

            app.transactions.start(&client, request, None)
        })
        .buffer_unordered(CONCURRENT_STARTS)
        .for_each(|started| {
            started.result.expect("it starts");
            std::future::ready(())
        })
        .await;
}

/// The resident memory of this process.
pub fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("a line");
    let kilobytes: usize = line
        .split_whitespace()
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number");

    kilobytes * 1024
}
