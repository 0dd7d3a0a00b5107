//! A process that commits until it is killed, and says what was acknowledged.
//!
//! It is this test program itself, started again with the one test named below, which does nothing
//! otherwise.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use countersign::store::journal::Outcome;
use countersign::store::rows::TransactionRow;
use countersign::store::{DatabaseUrl, Store, StoreOptions};
use futures_util::future::join_all;

use super::entries::start;
use crate::support::rows::transaction;

const URL_VARIABLE: &str = "COUNTERSIGN_TEST_CHILD_DATABASE";

/// What the child says of one transaction.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Acknowledged(Vec<u8>),
    Failed(Vec<u8>),
}

/// The other process.
pub(super) struct Committer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Committer {
    /// Starts it; `limit` goes before it on a shell's line.
    pub(super) fn start(url: &str, limit: &str) -> Self {
        let program = std::env::current_exe().expect("this program");
        let command =
            r#"exec "$0" --exact store::child::commits_until_killed --ignored --nocapture"#;
        let mut child = Command::new("sh")
            .args(["-c", &format!("{limit}\n{command}")])
            .arg(program)
            .env(URL_VARIABLE, url)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");

        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    /// Its process id: that of the shell it replaced.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it says next. `None` when it has ended.
    pub(super) fn next(&mut self) -> Option<Said> {
        self.lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| parse(&line))
    }

    /// Kills it, without a chance to finish anything, and returns what it had said before.
    pub(super) fn kill(mut self) -> Vec<Said> {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was killed");
        std::iter::from_fn(|| self.next()).collect()
    }
}

/// Leaves out a line that was cut off.
fn parse(line: &str) -> Option<Said> {
    let (word, id) = line.split_once(' ')?;
    let id = uuid::Uuid::try_parse(id.strip_suffix('.')?)
        .ok()?
        .into_bytes()
        .to_vec();

    match word {
        "acknowledged" => Some(Said::Acknowledged(id)),
        "failed" => Some(Said::Failed(id)),
        _ => None,
    }
}

#[tokio::test]
#[ignore = "started by other tests as a process of its own"]
async fn commits_until_killed() {
    let Ok(url) = std::env::var(URL_VARIABLE) else {
        return;
    };

    let url: DatabaseUrl = url.parse().expect("a database");
    let store = Store::open(&StoreOptions::new(url)).expect("a store");

    loop {
        let rows: Vec<TransactionRow> = (0..20)
            .map(|_| TransactionRow {
                content: vec![7; 2000],
                ..transaction()
            })
            .collect();

        let outcomes = join_all(rows.iter().map(|row| store.commit(start(row)))).await;
        for (row, outcome) in rows.iter().zip(outcomes) {
            let word = if outcome == Ok(Outcome::Committed) {
                "acknowledged"
            } else {
                "failed"
            };

            let id = uuid::Uuid::from_slice(&row.id).expect("16 bytes");
            println!("{word} {id}.");
        }
    }
}
