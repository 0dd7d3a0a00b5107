//! The database goes away or runs out of space, and comes back.

use std::process::Command;

use futures_util::future::join_all;
use reqwest::RequestBuilder;

use super::answer;
use crate::support::app::{ADMINISTRATOR, PORTAL, TestApp, WEBSITE};
use crate::support::databases::Database;
use crate::support::postgres::Cluster;
use crate::support::process::{Installation, Process};
use crate::transactions::{PHONE_NUMBER, START, wrong};

/// Limits the size of each file, in blocks of 512 bytes (1024 in some shells). Without the trap the
/// signal would end the process.
const SMALL_FILES: &str = "trap '' XFSZ; ulimit -S -f 2000";

#[tokio::test]
async fn while_postgres_is_away_nothing_happens_and_no_attempt_counts() {
    let cluster = Cluster::start_new();
    let app = TestApp::start(Database::of(cluster.create_database())).await;
    let (id, code) = app.start_sms("alice").await;
    assert_eq!(app.verify("alice", &id, &wrong(&code)).await.1, "3003");
    assert_eq!(app.readiness().await, 200);

    cluster.stop();
    let result = format!("/oauth/api/v4/authenticate/transaction/{id}");

    let verify = |code: &str| {
        app.post_form(
            &format!("{START}/alice/sms"),
            &[("transaction_id", id.as_str()), ("sms_code", code)],
        )
    };

    // Twice, because connections of the pool do not know at first that the server is gone. All at
    // once, because each request waits for a connection for a while.
    for _ in 0..2 {
        let mut requests = vec![
            app.post_form(
                &format!("{START}/alice/sms/resend"),
                &[("transaction_id", &id)],
            ),
            app.get(&result),
            app.request("DELETE", &result)
                .basic_auth(WEBSITE.0, Some(WEBSITE.1)),
        ];

        for _ in 0..20 {
            requests.extend([
                app.post_form(START, &sms_to("bob")),
                verify(&wrong(&code)),
                verify(&code),
            ]);
        }

        // Readiness is answered meanwhile too; what it says is known once a write has failed.
        tokio::join!(
            join_all(requests.into_iter().map(unavailable)),
            app.readiness()
        );
        assert_eq!(app.readiness().await, 503);
    }

    assert_eq!(
        app.sms.accepted().len(),
        1,
        "nothing that was refused has happened"
    );

    cluster.start();
    assert_eq!(app.status(&id).await, "pending");
    assert_eq!(app.readiness().await, 200);

    // One attempt was made before the failure and none during it, so two are left.
    assert_eq!(app.verify("alice", &id, &wrong(&code)).await.1, "3003");
    assert_eq!(app.verify("alice", &id, &code).await.0, 200);
    assert_eq!(app.status(&id).await, "accepted");

    let (id, code) = app.start_sms("bob").await;
    assert_eq!(app.sms.accepted().len(), 2);
    assert_eq!(app.verify("bob", &id, &code).await.0, 200);
}

#[tokio::test]
async fn while_postgres_is_away_nothing_is_called_revoked() {
    let cluster = Cluster::start_new();
    let app = TestApp::start(Database::of(cluster.create_database())).await;
    let alice = app.enrolled("alice").await;
    let token = alice.phone.user_token(&alice.user).await.unwrap();

    let revoke = || {
        let assertion = alice.phone.client_assertion().unwrap();
        let form = [
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion.as_str()),
            ("token", token.expose()),
        ];

        app.request("POST", "/oauth/revoke").form(&form)
    };

    let by_portal = || {
        let request = app.request("DELETE", "/oauth/api/v1/users/alice/tokens");
        request.basic_auth(PORTAL.0, Some(PORTAL.1))
    };

    let administer = |method: &str, path: &str| {
        app.manage(method, &format!("/api/v1/{path}"))
            .basic_auth(ADMINISTRATOR.0, Some(ADMINISTRATOR.1))
    };

    // Lost connections of the pool are detected one by one.
    let eventual_status = async |request: &dyn Fn() -> RequestBuilder| {
        let mut status = request().send().await.unwrap().status();
        for _ in 0..10 {
            if status == 503 {
                status = request().send().await.unwrap().status();
            }
        }

        status.as_u16()
    };

    let enrolment = || {
        app.request("GET", "/device/v1/enrolment")
            .bearer_auth(token.expose())
    };
    let is_alive = async || eventual_status(&enrolment).await == 200;
    assert!(is_alive().await);

    cluster.stop();

    // Twice, because connections of the pool do not know at first that the server is gone.
    for _ in 0..2 {
        let device = format!("devices/{}", alice.phone.device_id());
        let requests = vec![
            revoke(),
            by_portal(),
            administer("POST", "users/alice/disable"),
            administer("POST", "users/alice/password-changed"),
            administer("POST", "users/alice/rename")
                .json(&serde_json::json!({ "user_id": "alicia" })),
            administer("POST", "clients/bank/revoke-tokens"),
            administer("DELETE", &device),
        ];

        join_all(requests.into_iter().map(unavailable)).await;
    }

    cluster.start();
    assert!(is_alive().await, "nothing that was refused has happened");
    assert_eq!(eventual_status(&revoke).await, 200);
    assert!(!is_alive().await);
}

/// The database's files cannot grow until the limit is removed.
#[tokio::test]
async fn on_a_full_disk_changes_are_refused_until_there_is_space() {
    let installation = Installation::new(Database::sqlite());
    let server = installation.serve_limited(SMALL_FILES).await;

    let mut started = Vec::new();
    let refused = loop {
        let (user, number) = (
            format!("user-{}", started.len()),
            phone_number(started.len()),
        );
        let response = server.start_sms(&user, &number).send().await.unwrap();
        if response.status() != 200 {
            break response;
        }

        let body: serde_json::Value = response.json().await.unwrap();
        started.push((user, body["transaction_id"].as_str().unwrap().to_owned()));
        assert!(started.len() < 10_000, "the files never fill up");
    };

    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers().contains_key("retry-after")
        ),
        (503, true)
    );

    unavailable(server.start_sms("bob", "+31687654321")).await;

    let (number, code) = until_no_attempt_fits(&installation, &server, &started).await;
    let (user, id) = &started[number];
    unavailable(server.verify(user, id, &code)).await;

    // Reading needs no space.
    for (_, id) in &started {
        assert_eq!(status(&server, id).await, "pending");
    }

    let raised = Command::new("prlimit")
        .args([
            "--pid",
            &server.id().to_string(),
            "--fsize=unlimited:unlimited",
        ])
        .status()
        .expect("prlimit, of util-linux");

    assert!(raised.success());

    for left in [2, 1] {
        let (_, body) = answer(server.verify(user, id, &wrong(&code)))
            .await
            .unwrap();
        assert_eq!(
            body["attempts_left"], left,
            "what could not be counted was not evaluated: {body}"
        );
    }

    assert_eq!(answer(server.verify(user, id, &code)).await.unwrap().0, 200);

    assert_eq!(
        answer(server.start_sms("bob", "+31687654321"))
            .await
            .unwrap()
            .0,
        200
    );

    let sent = installation
        .sandbox
        .received(countersign::sandbox::Provider::Twilio)
        .len();
    assert_eq!(
        sent,
        started.len() + 1,
        "nothing was sent for those that were refused"
    );
}

/// Sends one wrong code for each transaction until one is refused. Returns the number of that
/// transaction and its right code. A wrong code needs less space than a start.
async fn until_no_attempt_fits(
    installation: &Installation,
    server: &Process,
    started: &[(String, String)],
) -> (usize, String) {
    for (number, (user, id)) in started.iter().enumerate() {
        let message = installation
            .sandbox
            .wait_for_sms(&phone_number(number))
            .await
            .unwrap();

        let code = message.code().unwrap().to_owned();
        let (status, body) = answer(server.verify(user, id, &wrong(&code)))
            .await
            .unwrap();
        if status == 503 {
            return (number, code);
        }

        assert_eq!(body["error_code"], "3003", "{body}");
    }

    panic!("there is still space")
}

/// As after a failover to a standby that was not promoted.
#[tokio::test]
async fn a_database_that_takes_no_writes_is_not_ready() {
    let cluster = Cluster::start_new();
    let app = TestApp::start(Database::of(cluster.create_database())).await;
    assert_eq!(app.readiness().await, 200);

    cluster.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    cluster.execute("SELECT pg_reload_conf()");
    app.becomes(503).await;

    // Whatever the database does, the answer comes at once.
    let path = format!("{}/livez", app.management_url);
    assert_eq!(app.http.get(path).send().await.unwrap().status(), 200);

    cluster.execute("ALTER SYSTEM RESET default_transaction_read_only");
    cluster.execute("SELECT pg_reload_conf()");
    app.becomes(200).await;
}

impl TestApp {
    /// Waits until `/readyz` answers like this.
    async fn becomes(&self, status: u16) {
        let changed = async {
            while self.readiness().await != status {
                tokio::task::yield_now().await;
            }
        };

        tokio::time::timeout(std::time::Duration::from_secs(20), changed)
            .await
            .expect("the readiness changes");
    }

    async fn readiness(&self) -> u16 {
        let url = format!("{}/readyz", self.management_url);
        self.http.get(url).send().await.unwrap().status().as_u16()
    }
}

fn sms_to(user: &str) -> [(&str, &str); 3] {
    [
        ("type", "sms"),
        ("user_id", user),
        ("phone_number", PHONE_NUMBER),
    ]
}

fn phone_number(number: usize) -> String {
    format!("+316{number:08}")
}

async fn status(server: &Process, id: &str) -> String {
    let (status, result) = answer(server.result(id)).await.unwrap();
    assert_eq!(status, 200, "{result}");
    result["status"].as_str().unwrap().to_owned()
}

/// Expects `503` with `Retry-After`.
async fn unavailable(request: RequestBuilder) {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.text().await.unwrap();
    assert_eq!(status, 503, "{body}");
    assert!(headers.contains_key("retry-after"), "{headers:?}");
    assert!(body.contains("temporarily_unavailable"), "{body}");
}
