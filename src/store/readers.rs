//! The threads that run queries: a fixed number, with one bounded queue before them.
//!
//! The blocking pool of an async runtime has no bound, and each HTTP worker would have one of its
//! own.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::job::Job;
use super::pool::Pool;
use super::queue::Queue;

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
