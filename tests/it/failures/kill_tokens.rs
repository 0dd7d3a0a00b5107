//! SIGKILL while tokens are refreshed and revoked. What the server acknowledged before holds
//! afterwards.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::random::{Random as _, SystemRandom};
use countersign::secret::sha256;
use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use super::answer;
use crate::support::databases::{Database, on_both_databases};
use crate::support::process::{Installation, Process};
use crate::support::server::CLIENT_SECRET;

const CLIENTS: usize = 8;
const ACKNOWLEDGED_MIN: usize = 200;
const REDIRECT_URI: &str = "https://shop.example/cb";
const VERIFIER: &str = "a-verifier-of-more-than-43-characters~._0123456789";

on_both_databases!(rotations_and_revocations_survive_a_kill);

async fn rotations_and_revocations_survive_a_kill(database: Database) {
    let installation = Installation::new(database);
    let server = installation.serve().await;
    let facts = tokio::time::timeout(Duration::from_secs(120), until_killed(&server))
        .await
        .expect("enough answers");

    server.ended().await;
    let server = installation.serve().await;
    join_all(facts.iter().map(|fact| fact.check(&server))).await;
}

/// Kills the server at a random moment after the least number of responses. Returns what was
/// acknowledged.
async fn until_killed(server: &Process) -> Vec<Fact> {
    let (count, mut counted) = watch::channel(0);
    let mut random = [0];
    SystemRandom.fill(&mut random);
    let enough = ACKNOWLEDGED_MIN + usize::from(random[0]);
    let killer = async {
        counted.wait_for(|count| *count >= enough).await.unwrap();
        server.signal("KILL");
    };

    let clients = (0..CLIENTS).map(|number| async move { (number, log_in(server, number).await) });
    let clients = join_all(clients).await;
    let count = &count;
    let running = clients
        .into_iter()
        .map(|(number, first)| client(server, count, number, first));
    let (facts, ()) = tokio::join!(join_all(running), killer);
    facts.into_iter().flatten().collect()
}

/// Refreshes again and again. Now and then revokes the tokens and logs in again.
async fn client(
    server: &Process,
    count: &watch::Sender<usize>,
    number: usize,
    first: String,
) -> Vec<Fact> {
    let mut facts = vec![Fact::new(first)];
    for round in 0.. {
        let Some(fact) = facts.last_mut() else { break };
        let Some(last) = fact.tokens.last().cloned() else {
            break;
        };
        if (round + number) % 10 == 9 {
            fact.revocation_sent = true;

            let Some((status, _)) = answer_or_none(revoke(server, &last)).await else {
                break;
            };
            assert_eq!(status, 200);

            fact.revocation_acknowledged = true;

            let Some(next) = try_to_log_in(server, number).await else {
                break;
            };
            facts.push(Fact::new(next));
        } else {
            let Some((status, body)) = answer(refresh(server, &last)).await else {
                break;
            };
            assert_eq!(status, 200, "{body}");
            fact.tokens
                .push(body["refresh_token"].as_str().unwrap().to_owned());
        }

        count.send_modify(|count| *count += 1);
    }

    facts
}

/// What a client knows about the tokens of one log-in.
#[derive(Debug)]
struct Fact {
    /// Each is the successor of the previous one.
    tokens: Vec<String>,
    revocation_sent: bool,
    revocation_acknowledged: bool,
}

impl Fact {
    fn new(first: String) -> Self {
        Self {
            tokens: vec![first],
            revocation_sent: false,
            revocation_acknowledged: false,
        }
    }

    /// Checks the fact against the restarted server.
    async fn check(&self, server: &Process) {
        let last = self.tokens.last().unwrap();
        let (status, body) = answer(refresh(server, last)).await.unwrap();
        if self.revocation_acknowledged || (self.revocation_sent && status != 200) {
            assert_eq!(
                (status, &body["error"]),
                (400, &json!("invalid_grant")),
                "{self:?}"
            );

            return;
        }

        assert_eq!(
            status, 200,
            "the last acknowledged token is valid, whether it was used or not: {body}"
        );

        let Some(older) = self
            .tokens
            .len()
            .checked_sub(2)
            .and_then(|index| self.tokens.get(index))
        else {
            return;
        };

        let (status, _) = answer(refresh(server, older)).await.unwrap();
        assert_eq!(status, 400, "two generations old: {self:?}");

        let successor = body["refresh_token"].as_str().unwrap();
        let (status, _) = answer(refresh(server, successor)).await.unwrap();
        assert_eq!(status, 400, "the whole family is revoked: {self:?}");
    }
}

async fn log_in(server: &Process, number: usize) -> String {
    try_to_log_in(server, number).await.expect("logged in")
}

/// The refresh token; `None` if the server is gone.
async fn try_to_log_in(server: &Process, number: usize) -> Option<String> {
    let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
    let query = [
        ("response_type", "code"),
        ("client_id", "shop"),
        ("redirect_uri", REDIRECT_URI),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];

    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    let begun = server.anonymous(Method::GET, &format!("/oauth/authorize?{query}"));
    let begun = begun.send().await.ok()?;
    let cookie = begun.headers()["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap();

    let challenge = parameter(&location(&begun), "login_challenge");
    let accept = server.request(
        Method::PUT,
        &format!("/oauth/api/v1/login-requests/{challenge}/accept"),
    );
    let (_, accepted) = answer(accept.json(&json!({ "subject": format!("user{number}") }))).await?;
    let resume: Url = accepted["redirect_to"].as_str().unwrap().parse().unwrap();

    let path = format!("{}?{}", resume.path(), resume.query().unwrap());
    let returned = server
        .anonymous(Method::GET, &path)
        .header("cookie", cookie);
    let redirected = location(&returned.send().await.ok()?);
    let code = parameter(&redirected, "code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];

    let (status, tokens) = answer(post_as_shop(server, "/oauth/token").form(&form)).await?;
    assert_eq!(status, 200, "{tokens}");

    Some(tokens["refresh_token"].as_str().unwrap().to_owned())
}

fn location(response: &reqwest::Response) -> Url {
    let location = response.headers()["location"].to_str().unwrap();
    location.parse().unwrap()
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .unwrap_or_else(|| panic!("{name} in {url}"))
        .1
        .into_owned()
}

fn post_as_shop(server: &Process, path: &str) -> RequestBuilder {
    server
        .anonymous(Method::POST, path)
        .basic_auth("shop", Some(CLIENT_SECRET))
}

fn refresh(server: &Process, token: &str) -> RequestBuilder {
    post_as_shop(server, "/oauth/token")
        .form(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn revoke(server: &Process, token: &str) -> RequestBuilder {
    post_as_shop(server, "/oauth/revoke").form(&[("token", token)])
}

/// Like [`answer`], for responses without a body.
async fn answer_or_none(request: RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    response.bytes().await.ok()?;
    Some((status, Value::Null))
}
