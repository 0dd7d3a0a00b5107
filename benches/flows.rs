//! How fast whole flows are: `cargo bench --bench flows`. Everything on loopback, bounded in time, with every promise of
//! durability kept. Options: `-- --seconds N` for each row (default 5), `-- --quick` leaves the million out.

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
    reason = "a benchmark measures real time, prints, and may stop where something is wrong"
)]

#[path = "flows/load.rs"]
mod load;
#[path = "flows/memory.rs"]
mod memory;
#[path = "../tests/it/support/postgres.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod postgres;
#[path = "flows/rounds.rs"]
mod rounds;
#[path = "flows/world.rs"]
mod world;

use std::time::Duration;

use countersign::sandbox::{Sandbox, SandboxOptions};
use countersign::store::DatabaseUrl;
use load::Measured;
use postgres::Cluster;
use world::{Folder, World};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Durable, as a production server is.
const POSTGRES_OPTIONS: &str = "-c shared_buffers=256MB -c max_wal_size=4GB";

struct Options {
    seconds: u64,
    quick: bool,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [command, url, count] = arguments.as_slice()
        && command == "memory"
    {
        return memory::measure(url.parse().expect("a database URL"), count.parse().expect("a number"));
    }
    let seconds = arguments.iter().position(|argument| argument == "--seconds");
    let options = Options {
        seconds: seconds.and_then(|index| arguments.get(index + 1)?.parse().ok()).unwrap_or(5),
        quick: arguments.iter().any(|argument| argument == "--quick"),
    };
    run(&options);
}

fn run(options: &Options) {
    let local = tokio::task::LocalSet::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let duration = Duration::from_secs(options.seconds);
    println!(
        "| flow | database | connections | per second | of the yardstick | p50 start | p99 start | p99/p50 | commits/s | rows per commit |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    let yardstick = runtime.block_on(local.run_until(rounds::bare(64, duration)));
    row("bare endpoint (the yardstick)", "–", 64, &yardstick, yardstick.per_second(), None);
    let cluster = Cluster::start_with(POSTGRES_OPTIONS);
    for name in ["SQLite", "PostgreSQL"] {
        let folder = Folder::new(name);
        let database = |name: &str| if name == "SQLite" { folder.database() } else { cluster.create_database() };
        let world = World::start(database(name), None);
        for connections in [64, 256] {
            let before = world.app.store.statistics();
            let sms = runtime.block_on(local.run_until(rounds::sms(&world, connections, duration)));
            let commits = Commits::between(&before, &world.app.store.statistics(), sms.took);
            row("SMS: start, verify", name, connections, &sms, yardstick.per_second(), Some(commits));
        }
        for connections in [64, 256] {
            let before = world.app.store.statistics();
            let push = runtime.block_on(local.run_until(rounds::push(&world, connections, duration)));
            let commits = Commits::between(&before, &world.app.store.statistics(), push.took);
            row(
                "push: start, pending, fetch, answer, result",
                name,
                connections,
                &push,
                yardstick.per_second(),
                Some(commits),
            );
        }
        world.stop();
    }
    let sandbox = Sandbox::start(SandboxOptions::default()).expect("a sandbox");
    let folder = Folder::new("twilio");
    let world = World::start(folder.database(), Some(&sandbox));
    let sms = runtime.block_on(local.run_until(rounds::sms(&world, 64, duration)));
    row("SMS with Twilio's stand-in over HTTP", "SQLite", 64, &sms, yardstick.per_second(), None);
    world.stop();
    memory(options, &cluster);
}

fn memory(options: &Options, cluster: &Cluster) {
    println!("\n| live transactions | database | resident memory for each | started in |");
    println!("|---:|---|---:|---:|");
    let counts: &[usize] = if options.quick { &[100_000] } else { &[100_000, 1_000_000] };
    for count in counts {
        let folder = Folder::new(&format!("memory-{count}"));
        for (name, url) in [("SQLite", folder.database()), ("PostgreSQL", cluster.create_database())] {
            let url = match url {
                DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
                DatabaseUrl::Postgres(url) => url.expose().to_owned(),
            };
            let child = std::process::Command::new(std::env::current_exe().expect("this program"))
                .args(["memory", &url, &count.to_string()])
                .output()
                .expect("the measuring process runs");
            assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
            println!("| {count} | {name} | {}", String::from_utf8_lossy(&child.stdout).trim_end());
        }
    }
}

struct Commits {
    per_second: f64,
    rows_each: f64,
}

impl Commits {
    fn between(
        before: &countersign::store::StoreStatistics,
        after: &countersign::store::StoreStatistics,
        took: Duration,
    ) -> Self {
        let (commits, rows) = ((after.commits - before.commits) as f64, (after.rows - before.rows) as f64);
        Self { per_second: commits / took.as_secs_f64(), rows_each: rows / commits.max(1.0) }
    }
}

fn row(flow: &str, database: &str, connections: usize, measured: &Measured, yardstick: f64, commits: Option<Commits>) {
    let (p50, p99) = (measured.percentile(50.0), measured.percentile(99.0));
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let commits = commits
        .map_or_else(|| "– | –".to_owned(), |commits| format!("{:.0} | {:.0}", commits.per_second, commits.rows_each));
    println!(
        "| {flow} | {database} | {connections} | {:.0} | {:.1} % | {:.2} ms | {:.2} ms | {:.1} | {commits} |",
        measured.per_second(),
        measured.per_second() / yardstick * 100.0,
        milliseconds(p50),
        milliseconds(p99),
        p99.as_secs_f64() / p50.as_secs_f64().max(f64::MIN_POSITIVE),
    );
}
