//! The rounds of the flows for mobile authentication.

use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::ids::TransactionId;
use countersign::otp::SmsCode;
use countersign::phone::{AnswerClaims, Decision, Phone};

use super::load::{Connection, Measured, get, member, post, repeat};
use super::world::{CLIENT_ID, CLIENT_SECRET, World};

pub const FORM: &str = "application/x-www-form-urlencoded";
const START: &str = "/oauth/api/v4/authenticate/user";

pub fn basic() -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"))
    )
}

/// The baseline: an endpoint that does nothing, on the same HTTP server.
pub async fn bare(connections: usize, duration: Duration) -> Measured {
    let (sender, address) = std::sync::mpsc::sync_channel(1);
    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();

    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let endpoint = || {
                App::new().route(
                    "/",
                    web::get().to(|| async { HttpResponse::Ok().body("{}") }),
                )
            };

            let server = HttpServer::new(endpoint)
                .bind("127.0.0.1:0")
                .expect("a free port");
            sender.send(server.addrs()[0]).expect("the caller waits");

            let server = server.disable_signals().run();
            let handle = server.handle();
            actix_web::rt::spawn(async move {
                let _ = stopping.await;
                handle.stop(false).await;
            });

            server.await.expect("the bare server runs");
        });
    });

    let address = address.recv().expect("the bare server starts");

    let request = get("/", &basic());
    let mut rounds = Vec::new();
    for _ in 0..connections {
        let (mut connection, request) = (Connection::open(address).await, request.clone());
        rounds.push(async move || {
            let started = Instant::now();
            assert_eq!(connection.send(&request).await.status, 200);
            started.elapsed()
        });
    }

    let measured = repeat(rounds, duration).await;

    let _ = stop.send(());
    thread.join().expect("the bare server ends");

    measured
}

/// Start and verify; the start is timed.
pub async fn sms(world: &World, connections: usize, duration: Duration) -> Measured {
    let mut rounds = Vec::new();
    for index in 0..connections {
        let mut connection = Connection::open(world.address).await;
        let keyring = std::sync::Arc::clone(&world.keyring);

        let body = format!(
            "type=sms&user_id=user{index}&phone_number=%2B1505555{index:04}&message=Your+code:+%7Bcode%7D"
        );
        let start = post(START, &basic(), FORM, &body);
        rounds.push(async move || {
            let started = Instant::now();
            let response = connection.send(&start).await;
            let took = started.elapsed();

            assert_eq!(
                response.status,
                200,
                "{}",
                String::from_utf8_lossy(response.body)
            );

            let id: TransactionId = member(response.body, "transaction_id")
                .parse()
                .expect("an id");
            let code = SmsCode::of(&keyring, id);
            let body = format!("transaction_id={id}&sms_code={}", code.expose());
            let verify = post(&format!("{START}/user{index}/sms"), &basic(), FORM, &body);
            let response = connection.send(&verify).await;
            assert_eq!(
                response.status,
                200,
                "{}",
                String::from_utf8_lossy(response.body)
            );

            took
        });
    }

    repeat(rounds, duration).await
}

/// Start, pending, fetch, signed answer, result; the start is timed. Each connection has a user with
/// a phone.
pub async fn push(world: &World, connections: usize, duration: Duration) -> Measured {
    let mut people = Vec::new();
    for index in 0..connections {
        people.push(world.person(index + connections).await);
    }

    let mut rounds = Vec::new();

    for (user, phone) in people {
        let token = phone.device_token().await.expect("a token");
        let bearer = format!("Bearer {}", token.expose());
        let mut connection = Connection::open(world.address).await;

        let start = post(
            START,
            &basic(),
            FORM,
            &format!("type=push&user_id={user}&message=Pay%3F"),
        );

        rounds.push(async move || {
            let started = Instant::now();
            let response = connection.send(&start).await;
            let took = started.elapsed();

            assert_eq!(
                response.status,
                200,
                "{}",
                String::from_utf8_lossy(response.body)
            );

            let id: TransactionId = member(response.body, "transaction_id")
                .parse()
                .expect("an id");
            answer(&mut connection, &phone, &bearer, id).await;

            took
        });
    }

    repeat(rounds, duration).await
}

async fn answer(connection: &mut Connection, phone: &Phone, bearer: &str, id: TransactionId) {
    let pending = connection
        .send(&get("/device/v1/transactions?wait=10", bearer))
        .await;
    assert_eq!(pending.status, 200);

    let path = format!("/device/v1/transactions/{id}");
    let fetched = connection.send(&get(&path, bearer)).await;
    assert_eq!(
        fetched.status,
        200,
        "{}",
        String::from_utf8_lossy(fetched.body)
    );

    let digest = member(fetched.body, "content_digest");
    let now = countersign::clock::Clock::system().now();
    let jws = AnswerClaims::new(id, Decision::Accept, digest, now)
        .sign(phone.key())
        .expect("a signature");
    let body = format!("{{\"authenticator\":\"device\",\"answer\":\"{jws}\"}}");

    let answered = connection
        .send(&post(
            &format!("{path}/answer"),
            bearer,
            "application/json",
            &body,
        ))
        .await;

    assert_eq!(
        answered.status,
        200,
        "{}",
        String::from_utf8_lossy(answered.body)
    );

    let result = connection
        .send(&get(
            &format!("/oauth/api/v4/authenticate/transaction/{id}"),
            &basic(),
        ))
        .await;

    assert_eq!(member(result.body, "status"), "accepted");
}
