//! The throughput of whole flows: `cargo bench --profile dist --bench flows`. Everything runs on
//! loopback, with the durability of production. Options: `-- --seconds N` for each row (default 5),
//! The log, with a line for each request, goes to standard error.
//! `-- --quick` skips the million transactions, `-- --only TEXT` only runs the flows whose name
//! contains the text (`SMS`, `push`, `token`).

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_futures,
    unreachable_pub,
    reason = "a benchmark measures real time, prints, and may panic"
)]

#[path = "flows/listing.rs"]
mod listing;
#[path = "flows/load.rs"]
mod load;
#[path = "flows/memory.rs"]
mod memory;
#[path = "../tests/it/support/postgres.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod postgres;
#[path = "flows/rounds.rs"]
mod rounds;
#[path = "flows/tokens.rs"]
mod tokens;
#[path = "flows/world.rs"]
mod world;

use std::time::Duration;

use countersign::clock::Clock;
use countersign::sandbox::{Sandbox, SandboxOptions};
use countersign::store::DatabaseUrl;
use countersign::telemetry::logs::{self, LogSettings};
use countersign::telemetry::metrics::JournalCounts;
use load::Measured;
use postgres::Cluster;
use world::{Folder, World};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// With the default durability: `fsync` at each commit.
const POSTGRES_OPTIONS: &str = "-c shared_buffers=256MB -c max_wal_size=4GB";

struct Options {
    seconds: u64,
    quick: bool,
    /// Runs only the flows whose name contains this.
    only: String,
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [command @ ("memory" | "listing"), url, count] =
        arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        let measure = match command {
            "memory" => memory::measure,
            _ => listing::measure,
        };
        return measure(
            url.parse().expect("a database URL"),
            count.parse().expect("a number"),
        );
    }

    let value = |name: &str| {
        let position = arguments.iter().position(|argument| argument == name)?;
        arguments.get(position + 1).cloned()
    };
    let options = Options {
        seconds: value("--seconds")
            .and_then(|text| text.parse().ok())
            .unwrap_or(5),
        quick: arguments.iter().any(|argument| argument == "--quick"),
        only: value("--only").unwrap_or_default(),
    };

    // As in production: each request is logged.
    let _logs = logs::init(
        &LogSettings {
            json: false,
            filter: "info".to_owned(),
            requests: true,
        },
        Clock::system(),
    );

    run(&options);
}

/// The flows, with the numbers of connections.
const FLOWS: &[(&str, &[usize])] = &[
    (SMS, &[64, 256]),
    (SMS_KEYED, &[64]),
    (PUSH, &[64, 256]),
    (PUSH_KEYED, &[64]),
    (CLIENT_CREDENTIALS_JWT, &[64, 256]),
    (CLIENT_CREDENTIALS_OPAQUE, &[64, 256]),
    (REFRESH, &[64, 256]),
    (INTROSPECTION_OPAQUE, &[64, 256]),
    (INTROSPECTION_JWT, &[64, 256]),
    (LOG_IN, &[64]),
];
const SMS: &str = "SMS: start, verify";
const SMS_KEYED: &str = "SMS with idempotency keys: start, verify";
const PUSH: &str = "push: start, pending, fetch, answer, result";
const PUSH_KEYED: &str = "push with idempotency keys: start, pending, fetch, answer, result";
const CLIENT_CREDENTIALS_JWT: &str = "token: client credentials, JWT";
const CLIENT_CREDENTIALS_OPAQUE: &str = "token: client credentials, opaque";
const REFRESH: &str = "token: refresh with PIN proof and rotation";
const INTROSPECTION_OPAQUE: &str = "token: introspection, opaque";
const INTROSPECTION_JWT: &str = "token: introspection, JWT";
const LOG_IN: &str = "token: log-in with code and PKCE (four requests)";

async fn repeat(flow: &str, world: &World, connections: usize, duration: Duration) -> Measured {
    match flow {
        SMS => rounds::sms(world, connections, duration, false).await,
        SMS_KEYED => rounds::sms(world, connections, duration, true).await,
        PUSH => rounds::push(world, connections, duration, false).await,
        PUSH_KEYED => rounds::push(world, connections, duration, true).await,
        CLIENT_CREDENTIALS_JWT => {
            tokens::client_credentials(world, "shop-jwt", connections, duration).await
        }
        CLIENT_CREDENTIALS_OPAQUE => {
            tokens::client_credentials(world, "shop", connections, duration).await
        }
        REFRESH => tokens::refresh(world, connections, duration).await,
        INTROSPECTION_OPAQUE => tokens::introspection(world, "shop", connections, duration).await,
        INTROSPECTION_JWT => tokens::introspection(world, "shop-jwt", connections, duration).await,
        LOG_IN => tokens::log_in(world, connections, duration).await,
        _ => panic!("no flow is called {flow}"),
    }
}

fn run(options: &Options) {
    let local = tokio::task::LocalSet::new();

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");

    let duration = Duration::from_secs(options.seconds);

    println!(
        "| flow | database | connections | per second | of the baseline | p50 | p99 | p99/p50 | server CPU | commits/s | rows per commit |"
    );

    println!("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let baseline = runtime.block_on(local.run_until(rounds::bare(64, duration)));
    row(
        "bare endpoint (the baseline)",
        "–",
        64,
        &baseline,
        baseline.per_second(),
        None,
    );

    let cluster = Cluster::start_with(POSTGRES_OPTIONS);

    for name in ["SQLite", "PostgreSQL"] {
        let folder = Folder::new(name);
        let database = |name: &str| {
            if name == "SQLite" {
                folder.database()
            } else {
                cluster.create_database()
            }
        };

        let world = World::start(database(name), None);

        for (flow, connections) in FLOWS
            .iter()
            .filter(|(flow, _)| flow.contains(&options.only))
        {
            for connections in *connections {
                let before = world.app.base.metrics.store().journal();
                let measured =
                    runtime.block_on(local.run_until(repeat(flow, &world, *connections, duration)));
                let commits = Commits::between(
                    &before,
                    &world.app.base.metrics.store().journal(),
                    measured.took,
                );

                row(
                    flow,
                    name,
                    *connections,
                    &measured,
                    baseline.per_second(),
                    Some(commits),
                );
            }
        }

        world.stop();
    }

    if SMS.contains(&options.only) {
        let sandbox = Sandbox::start(SandboxOptions::default()).expect("a sandbox");
        let folder = Folder::new("twilio");
        let world = World::start(folder.database(), Some(&sandbox));
        let sms = runtime.block_on(local.run_until(rounds::sms(&world, 64, duration, false)));
        row(
            "SMS with Twilio's stand-in over HTTP",
            "SQLite",
            64,
            &sms,
            baseline.per_second(),
            None,
        );

        world.stop();

        memory(options, &cluster);
    }

    if "token: listing".contains(&options.only) {
        listings(&cluster);
    }
}

/// Measures in a child process, whose memory is not affected by other measurements. Returns the cells
/// of its row.
fn measure_in_child(command: &str, url: DatabaseUrl, count: usize) -> String {
    let url = match url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.expose().to_owned(),
    };

    let child = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args([command, &url, &count.to_string()])
        .output()
        .expect("the measuring process runs");
    assert!(
        child.status.success(),
        "{}",
        String::from_utf8_lossy(&child.stderr)
    );

    String::from_utf8_lossy(&child.stdout).trim_end().to_owned()
}

fn listings(cluster: &Cluster) {
    println!("\n| tokens listed | database | first byte | total | size | peak memory increase |");
    println!("|---:|---|---:|---:|---:|---:|");

    for count in [10, 100_000] {
        let folder = Folder::new(&format!("listing-{count}"));
        for (name, url) in [
            ("SQLite", folder.database()),
            ("PostgreSQL", cluster.create_database()),
        ] {
            println!(
                "| {count} | {name} | {}",
                measure_in_child("listing", url, count)
            );
        }
    }
}

fn memory(options: &Options, cluster: &Cluster) {
    println!("\n| live transactions | database | resident memory per transaction | started in |");
    println!("|---:|---|---:|---:|");

    let counts: &[usize] = if options.quick {
        &[100_000]
    } else {
        &[100_000, 1_000_000]
    };

    for count in counts {
        let folder = Folder::new(&format!("memory-{count}"));
        for (name, url) in [
            ("SQLite", folder.database()),
            ("PostgreSQL", cluster.create_database()),
        ] {
            println!(
                "| {count} | {name} | {}",
                measure_in_child("memory", url, *count)
            );
        }
    }
}

struct Commits {
    per_second: f64,
    rows_per_commit: f64,
}

impl Commits {
    fn between(before: &JournalCounts, after: &JournalCounts, took: Duration) -> Self {
        let (commits, rows) = (
            (after.commits - before.commits) as f64,
            (after.rows - before.rows) as f64,
        );
        Self {
            per_second: commits / took.as_secs_f64(),
            rows_per_commit: rows / commits.max(1.0),
        }
    }
}

fn row(
    flow: &str,
    database: &str,
    connections: usize,
    measured: &Measured,
    baseline: f64,
    commits: Option<Commits>,
) {
    let (p50, p99) = (measured.percentile(50.0), measured.percentile(99.0));
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;

    let commits = commits.map_or_else(
        || "– | –".to_owned(),
        |commits| format!("{:.0} | {:.0}", commits.per_second, commits.rows_per_commit),
    );
    println!(
        "| {flow} | {database} | {connections} | {:.0} | {:.1} % | {:.2} ms | {:.2} ms | {:.1} | {:.3} ms | {commits} |",
        measured.per_second(),
        measured.per_second() / baseline * 100.0,
        milliseconds(p50),
        milliseconds(p99),
        p99.as_secs_f64() / p50.as_secs_f64().max(f64::MIN_POSITIVE),
        milliseconds(measured.server_cpu) / measured.rounds as f64,
    );
}
