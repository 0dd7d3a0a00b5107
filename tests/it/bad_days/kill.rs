//! SIGKILL in the middle of load. What was acknowledged before is true afterwards.

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
/// Of the type `sms` in the settings of the tests.
const ATTEMPTS_MAX: u64 = 3;

on_both_databases!(nothing_acknowledged_is_lost);

async fn nothing_acknowledged_is_lost(database: Database) {
    let installation = Installation::new(database);
    let mut server = installation.serve().await;
    let numbers = AtomicUsize::new(0);

    for _ in 0..2 {
        let (answers, _) = watch::channel(0);

        let load = Load {
            server: &server,
            sandbox: &installation.sandbox,
            numbers: &numbers,
            answers,
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
    /// Counts the transactions, over all rounds.
    numbers: &'a AtomicUsize,
    /// Counts the answers that came.
    answers: watch::Sender<usize>,
}

impl Load<'_> {
    /// Kills the server some time after the least number of answers, and returns what had been
    /// told.
    async fn until_killed(&self) -> Vec<Fact> {
        let mut answers = self.answers.subscribe();
        let mut random = [0];
        SystemRandom.fill(&mut random);
        let enough = ACKNOWLEDGED_MIN + usize::from(random[0]);
        let killer = async {
            answers.wait_for(|count| *count >= enough).await.unwrap();
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

    /// One transaction: up to two wrong codes, then mostly the right one. Ends early when an answer
    /// does not come.
    async fn run(&self, number: usize, fact: &mut Fact) -> Option<()> {
        let (status, started) = self
            .told(self.server.start_sms(&fact.user, &fact.phone_number))
            .await?;
        assert_eq!(status, 200, "{started}");

        fact.id = started["transaction_id"].as_str().unwrap().to_owned();
        let code = fact.code(self.sandbox).await;

        for _ in 0..number % 3 {
            fact.wrong_unanswered = true;
            let (_, refused) = self
                .told(self.server.verify(&fact.user, &fact.id, &wrong(&code)))
                .await?;
            assert_eq!(refused["error_code"], "3003", "{refused}");
            fact.wrong_unanswered = false;
            fact.wrong_told += 1;
        }

        if number.is_multiple_of(4) {
            return Some(());
        }

        fact.right_sent = true;
        let (status, accepted) = self
            .told(self.server.verify(&fact.user, &fact.id, &code))
            .await?;
        assert_eq!(status, 200, "{accepted}");

        fact.accepted_told = true;
        Some(())
    }

    async fn told(&self, request: RequestBuilder) -> Option<(u16, Value)> {
        let answer = answer(request).await?;
        self.answers.send_modify(|count| *count += 1);
        Some(answer)
    }
}

/// What a website knows of a transaction.
#[derive(Debug)]
struct Fact {
    user: String,
    phone_number: String,
    /// Empty until the start was acknowledged.
    id: String,
    wrong_told: u64,
    /// The answer to the last wrong code did not come: it counts or it does not.
    wrong_unanswered: bool,
    right_sent: bool,
    accepted_told: bool,
}

impl Fact {
    fn about(number: usize) -> Self {
        Self {
            user: format!("user-{number}"),
            phone_number: format!("+316{number:08}"),
            id: String::new(),
            wrong_told: 0,
            wrong_unanswered: false,
            right_sent: false,
            accepted_told: false,
        }
    }

    async fn code(&self, sandbox: &Sandbox) -> String {
        let message = sandbox
            .wait_for_sms(&self.phone_number)
            .await
            .expect("sent, if not before then after the kill");
        message.code().unwrap().to_owned()
    }

    /// Holds it against the server that came after.
    async fn check(&self, server: &Process, sandbox: &Sandbox) {
        let code = self.code(sandbox).await;
        let status = self.status(server).await;
        if self.accepted_told || (self.right_sent && status == "accepted") {
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

    /// Attempts are not given back by a kill, and none is lost but the one in flight.
    async fn use_up_attempts(&self, server: &Process, code: &str) {
        let mut given = self.wrong_told;
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
