//! The threads that run queries: a fixed number, with one bounded queue before them.
//!
//! The blocking pool of an async runtime has no bound, and each HTTP worker would have one of its
//! own.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::job::Job;
use super::pool::Pool;
use super::queue::Queue;

/// How many threads there are where `configured` are asked for. Of 0 each core makes one, from two to
/// eight. More would only share less: what waits while a query runs is looked up together by the next.
pub(super) fn count(configured: usize) -> usize {
    match configured {
        0 => thread::available_parallelism()
            .map_or(2, NonZero::get)
            .clamp(2, 8),
        configured => configured,
    }
}

/// Starts `count` threads that run what is in `queue` until it is closed and empty.
pub(super) fn start(
    name: &str,
    pool: &Pool,
    count: u32,
    queue: &Arc<Queue<Job>>,
) -> io::Result<Vec<JoinHandle<()>>> {
    let start_one = |number| {
        let (pool, queue) = (pool.clone(), Arc::clone(queue));
        thread::Builder::new()
            .name(format!("{name}-{number}"))
            .spawn(move || run(&pool, &queue))
    };

    (0..count).map(start_one).collect()
}

fn run(pool: &Pool, queue: &Queue<Job>) {
    while let Some(job) = queue.pop() {
        match pool.lend_reading() {
            Ok(mut lent) => job(Ok(&mut lent)),
            Err(error) => {
                job(Err(error.clone()));
                // Nobody waits for one failed attempt after the other.
                for job in queue.drain() {
                    job(Err(error.clone()));
                }
            }
        }
    }
}
