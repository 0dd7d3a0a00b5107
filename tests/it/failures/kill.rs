//! SIGKILL under load. What the server acknowledged before holds afterwards.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign::random::{Random as _, SystemRandom};
use countersign::sandbox::Sandbox;
use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::sync::watch;

use super::answer;
use crate::support::databases::{Database, on_both_databases};
use crate::support::process::{Installation, Process};
use crate::transactions::wrong;

const CLIENTS: usize = 16;
const ACKNOWLEDGED_MIN: usize = 200;
/// `max_attempts` of the type `sms` in the tests' settings.
const ATTEMPTS_MAX: u64 = 3;

on_both_databases!(nothing_acknowledged_is_lost);

async fn nothing_acknowledged_is_lost(database: Database) {
    let installation = Installation::new(database);
    let mut server = installation.serve().await;
    let numbers = AtomicUsize::new(0);

    for _ in 0..2 {
        let (acknowledged, _) = watch::channel(0);
        let load = Load {
            server: &server,
            sandbox: &installation.sandbox,
            numbers: &numbers,
            acknowledged,
        };

        let facts = tokio::time::timeout(Duration::from_secs(120), load.until_killed())
            .await
            .expect("enough answers");

        server.ended().await;
        server = installation.serve().await;

        join_all(
            facts
                .iter()
                .map(|fact| fact.check(&server, &installation.sandbox)),
        )
        .await;
    }
}

/// Clients that start transactions and send codes.
struct Load<'a> {
    server: &'a Process,
    sandbox: &'a Sandbox,
    /// Counts the transactions across all rounds.
    numbers: &'a AtomicUsize,
    /// Counts the responses.
    acknowledged: watch::Sender<usize>,
}

impl Load<'_> {
    /// Kills the server at a random moment after the least number of responses. Returns what was
    /// acknowledged.
    async fn until_killed(&self) -> Vec<Fact> {
        let mut random = [0];
        SystemRandom.fill(&mut random);
        let enough = ACKNOWLEDGED_MIN + usize::from(random[0]);

        let mut acknowledged = self.acknowledged.subscribe();
        let killer = async {
            acknowledged
                .wait_for(|count| *count >= enough)
                .await
                .unwrap();
            self.server.signal("KILL");
        };

        let (facts, ()) = tokio::join!(join_all((0..CLIENTS).map(|_| self.client())), killer);
        facts.into_iter().flatten().collect()
    }

    async fn client(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut alive = true;
        while alive {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let mut fact = Fact::about(number);
            alive = self.run(number, &mut fact).await.is_some();
            facts.extend((!fact.id.is_empty()).then_some(fact));
        }

        facts
    }

    /// Runs one transaction: up to two wrong codes, then usually the right one. Returns `None` if a
    /// response does not arrive.
    async fn run(&self, number: usize, fact: &mut Fact) -> Option<()> {
        let (status, started) = self
            .acknowledged(self.server.start_sms(&fact.user, &fact.phone_number))
            .await?;
        assert_eq!(status, 200, "{started}");

        fact.id = started["transaction_id"].as_str().unwrap().to_owned();
        let code = fact.code(self.sandbox).await;

        for _ in 0..number % 3 {
            fact.wrong_unanswered = true;

            let (_, refused) = self
                .acknowledged(self.server.verify(&fact.user, &fact.id, &wrong(&code)))
                .await?;
            assert_eq!(refused["error_code"], "3003", "{refused}");
            fact.wrong_unanswered = false;
            fact.wrong_acknowledged += 1;
        }

        if number.is_multiple_of(4) {
            return Some(());
        }

        fact.right_sent = true;

        let (status, accepted) = self
            .acknowledged(self.server.verify(&fact.user, &fact.id, &code))
            .await?;
        assert_eq!(status, 200, "{accepted}");

        fact.accepted_acknowledged = true;

        Some(())
    }

    async fn acknowledged(&self, request: RequestBuilder) -> Option<(u16, Value)> {
        let answer = answer(request).await?;
        self.acknowledged.send_modify(|count| *count += 1);
        Some(answer)
    }
}

/// What a website knows about a transaction.
#[derive(Debug)]
struct Fact {
    user: String,
    phone_number: String,
    /// Empty until the start is acknowledged.
    id: String,
    wrong_acknowledged: u64,
    /// Whether the response to the last wrong code did not arrive, so that it may count or not.
    wrong_unanswered: bool,
    right_sent: bool,
    accepted_acknowledged: bool,
}

impl Fact {
    fn about(number: usize) -> Self {
        Self {
            user: format!("user-{number}"),
            phone_number: format!("+316{number:08}"),
            id: String::new(),
            wrong_acknowledged: 0,
            wrong_unanswered: false,
            right_sent: false,
            accepted_acknowledged: false,
        }
    }

    async fn code(&self, sandbox: &Sandbox) -> String {
        let message = sandbox
            .wait_for_sms(&self.phone_number)
            .await
            .expect("the message is sent before or after the kill");
        message.code().unwrap().to_owned()
    }

    /// Checks the fact against the restarted server.
    async fn check(&self, server: &Process, sandbox: &Sandbox) {
        let code = self.code(sandbox).await;
        let status = self.status(server).await;
        if self.accepted_acknowledged || (self.right_sent && status == "accepted") {
            assert_eq!(status, "accepted", "{self:?}");
        } else {
            assert_eq!(status, "pending", "{self:?}");
            self.use_up_attempts(server, &code).await;
            assert_eq!(self.status(server).await, "failed", "{self:?}");
        }

        assert_eq!(
            self.verify(server, &code).await,
            "3004",
            "nothing is accepted twice: {self:?}"
        );
    }

    /// A kill does not give attempts back, and only the attempt in flight may be lost.
    async fn use_up_attempts(&self, server: &Process, code: &str) {
        let mut given = self.wrong_acknowledged;
        while self.verify(server, &wrong(code)).await == "3003" {
            given += 1;
        }

        let least = ATTEMPTS_MAX - u64::from(self.wrong_unanswered);
        assert!(
            (least..=ATTEMPTS_MAX).contains(&given),
            "{given} wrong answers: {self:?}"
        );
    }

    async fn status(&self, server: &Process) -> String {
        let (status, result) = answer(server.result(&self.id)).await.unwrap();
        assert_eq!(status, 200, "{self:?}: {result}");
        result["status"].as_str().unwrap().to_owned()
    }

    /// The error code of the answer.
    async fn verify(&self, server: &Process, code: &str) -> String {
        let (_, body) = answer(server.verify(&self.user, &self.id, code))
            .await
            .unwrap();
        body["error_code"].as_str().unwrap_or_default().to_owned()
    }
}
