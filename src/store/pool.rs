//! The threads that run queries: a fixed number of them, one bounded queue before them, a
//! connection for each.
//!
//! An async runtime's own blocking pool has neither bound, and each HTTP worker would have one of
//! its own.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use r2d2::{HandleError, ManageConnection};

use super::Connection;
use super::connection::{Connector, Role};
use super::error::StoreError;
use super::job::{Health, Job};
use super::queue::Queue;

/// How long a query waits for a connection while the database does not answer.
const CONNECT_WAIT: Duration = Duration::from_secs(3);

/// Starts `count` threads that run what is in `queue` until it is closed and drained.
pub(super) fn start(
    connector: Connector,
    count: usize,
    queue: &Arc<Queue<Job>>,
) -> io::Result<Vec<JoinHandle<()>>> {
    let count_max = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    let losses = Arc::new(AtomicU64::new(0));
    let pool = r2d2::Pool::builder()
        .max_size(count_max)
        .min_idle(Some(0))
        .connection_timeout(CONNECT_WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .error_handler(Box::new(LogError))
        .build_unchecked(Manager {
            connector,
            losses: losses.clone(),
        });
    let start_one = |number| {
        let (pool, queue, losses) = (pool.clone(), queue.clone(), losses.clone());
        thread::Builder::new()
            .name(format!("store-{number}"))
            .spawn(move || run(&pool, &queue, &losses))
    };
    (0..count.max(1)).map(start_one).collect()
}

fn run(pool: &r2d2::Pool<Manager>, queue: &Queue<Job>, losses: &AtomicU64) {
    while let Some(job) = queue.pop() {
        match pool.get() {
            Ok(mut pooled) => {
                let Pooled {
                    connection, health, ..
                } = &mut *pooled;
                job(Ok(connection), &mut |reported| {
                    *health = reported;
                    if reported == Health::Broken {
                        losses.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            Err(error) => {
                let error = StoreError::Unavailable(error.to_string());
                job(Err(error.clone()), &mut |_| ());
                // Those behind it need not wait as long again, one after the other.
                for job in queue.drain() {
                    job(Err(error.clone()), &mut |_| ());
                }
            }
        }
    }
}

/// Makes pooled connections and tells the good ones from the bad.
struct Manager {
    connector: Connector,
    /// How many connections were lost. When one is, the others are probably lost too, so each is
    /// tried before its next use.
    losses: Arc<AtomicU64>,
}

struct Pooled {
    connection: Connection,
    health: Health,
    /// What [`Manager::losses`] was when this connection was last known to work.
    losses_seen: u64,
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = StoreError;

    fn connect(&self) -> Result<Pooled, StoreError> {
        let losses_seen = self.losses.load(Ordering::SeqCst);
        let connection = self.connector.connect(Role::Pool)?;
        Ok(Pooled {
            connection,
            health: Health::Sound,
            losses_seen,
        })
    }

    /// Asked before each use. A round trip each time would be dear: it is made only after a loss.
    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), StoreError> {
        let losses = self.losses.load(Ordering::SeqCst);
        if pooled.losses_seen != losses {
            pooled.connection.batch_execute("SELECT 1")?;
            pooled.losses_seen = losses;
        }
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.health == Health::Broken
    }
}

#[derive(Debug)]
struct LogError;

impl HandleError<StoreError> for LogError {
    fn handle_error(&self, error: StoreError) {
        tracing::warn!(%error, "could not connect to the database");
    }
}
