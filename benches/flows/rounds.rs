//! The rounds of the flows for mobile authentication.

use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::ids::{TransactionId, UserId};
use countersign::otp::SmsCode;
use countersign::phone::{AnswerClaims, Decision, Phone};

use super::load::{Connection, Measured, Response, ServerCpu, get, member, post, repeat};
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
pub async fn sms(world: &World, connections: usize, duration: Duration, keyed: bool) -> Measured {
    let mut rounds = Vec::new();
    for index in 0..connections {
        let mut connection = Connection::open(world.address).await;
        let keyring = std::sync::Arc::clone(&world.keyring);

        let body = format!(
            "type=sms&user_id=user{index}&phone_number=%2B1505555{index:04}&message=Your+code:+%7Bcode%7D"
        );
        let start = post(START, &basic(), FORM, &body);
        rounds.push(async move || {
            let keyed_start = keyed.then(|| with_key(&start));
            let started = Instant::now();
            let response = connection
                .send(keyed_start.as_ref().unwrap_or(&start))
                .await;
            let took = started.elapsed();

            let id: TransactionId = member(expect_ok(&response), "transaction_id")
                .parse()
                .expect("an id");
            let code = SmsCode::of(&keyring, id);
            let body = format!("transaction_id={id}&sms_code={}", code.expose());
            let verify = post(&format!("{START}/user{index}/sms"), &basic(), FORM, &body);
            expect_ok(&connection.send(&verify).await);

            took
        });
    }

    repeat(rounds, duration).await
}

/// The phones that answer pushes: as on a real site, each has only now and then something to do.
const PHONES: usize = 1024;

/// A phone, and its user's transaction while that is pending.
struct Prompted {
    phone: Phone,
    bearer: String,
    start: Vec<u8>,
    pending: Option<(TransactionId, String)>,
    answer: String,
}

/// Start, pending, fetch, signed answer, result; the start is timed. The connections share the phones,
/// go from one to the next, and let each answer once before any answers again. The phones sign while
/// the clock stands still.
pub async fn push(world: &World, connections: usize, duration: Duration, keyed: bool) -> Measured {
    let mut people = Vec::new();
    for _ in 0..PHONES {
        people.push(prompted(world.person().await).await);
    }

    let mut places = Vec::new();
    for _ in 0..connections {
        let phones = people.split_off(people.len() - PHONES / connections);
        // Only now: a connection on which nothing is asked is closed.
        places.push((Connection::open(world.address).await, phones));
    }

    let mut latencies = Vec::new();
    let mut took = Duration::ZERO;
    let mut server_cpu = Duration::ZERO;

    while took < duration {
        let cpu = ServerCpu::now();
        let started = Instant::now();
        let asked = spread(places, async move |(connection, phones)| {
            let mut latencies = Vec::new();
            for prompted in phones {
                latencies.push(ask(connection, prompted, keyed).await);
            }
            latencies
        });
        let (asked, timed) = asked.await;
        took += started.elapsed();
        server_cpu += cpu.elapsed();

        places = asked;
        latencies.extend(timed);

        for prompted in places.iter_mut().flat_map(|(_, phones)| phones) {
            sign(prompted);
        }

        let cpu = ServerCpu::now();
        let started = Instant::now();
        let answered = spread(places, async move |(connection, phones)| {
            for prompted in phones {
                answer(connection, prompted).await;
            }
            Vec::new()
        });
        (places, _) = answered.await;
        took += started.elapsed();
        server_cpu += cpu.elapsed();
    }

    latencies.sort_unstable();

    Measured {
        rounds: latencies.len(),
        took,
        latencies,
        server_cpu,
    }
}

type Place = (Connection, Vec<Prompted>);

/// Lets all connections work at the same time.
async fn spread(
    places: Vec<Place>,
    work: impl AsyncFn(&mut Place) -> Vec<Duration> + Clone + 'static,
) -> (Vec<Place>, Vec<Duration>) {
    let tasks: Vec<_> = places
        .into_iter()
        .map(|mut place| {
            let work = work.clone();
            tokio::task::spawn_local(async move {
                let timed = work(&mut place).await;
                (place, timed)
            })
        })
        .collect();

    let (mut places, mut latencies) = (Vec::new(), Vec::new());
    for task in tasks {
        let (place, timed) = task.await.expect("a round does not panic");
        places.push(place);
        latencies.extend(timed);
    }

    (places, latencies)
}

async fn prompted((user, phone): (UserId, Phone)) -> Prompted {
    let token = phone.device_token().await.expect("a token");

    Prompted {
        phone,
        bearer: format!("Bearer {}", token.expose()),
        start: post(
            START,
            &basic(),
            FORM,
            &format!("type=push&user_id={user}&message=Pay%3F"),
        ),
        pending: None,
        answer: String::new(),
    }
}

async fn ask(connection: &mut Connection, prompted: &mut Prompted, keyed: bool) -> Duration {
    let keyed_start = keyed.then(|| with_key(&prompted.start));
    let started = Instant::now();
    let response = connection
        .send(keyed_start.as_ref().unwrap_or(&prompted.start))
        .await;
    let took = started.elapsed();

    let id: TransactionId = member(expect_ok(&response), "transaction_id")
        .parse()
        .expect("an id");

    let pending = get("/device/v1/transactions?wait=10", &prompted.bearer);
    expect_ok(&connection.send(&pending).await);

    let path = format!("/device/v1/transactions/{id}");
    let fetched = connection.send(&get(&path, &prompted.bearer)).await;
    let digest = member(expect_ok(&fetched), "content_digest").to_owned();
    prompted.pending = Some((id, digest));

    took
}

fn sign(prompted: &mut Prompted) {
    let (id, digest) = prompted.pending.as_ref().expect("it was asked");
    let now = countersign::clock::Clock::system().now();
    prompted.answer = AnswerClaims::new(*id, Decision::Accept, digest, now)
        .sign(prompted.phone.key())
        .expect("a signature");
}

async fn answer(connection: &mut Connection, prompted: &mut Prompted) {
    let (id, _) = prompted.pending.take().expect("it was asked");
    let body = format!(
        "{{\"authenticator\":\"device\",\"answer\":\"{}\"}}",
        prompted.answer
    );

    let path = format!("/device/v1/transactions/{id}/answer");
    let answered = post(&path, &prompted.bearer, "application/json", &body);
    expect_ok(&connection.send(&answered).await);

    let path = format!("/oauth/api/v4/authenticate/transaction/{id}");
    let result = connection.send(&get(&path, &basic())).await;
    assert_eq!(member(expect_ok(&result), "status"), "accepted");
}

fn expect_ok<'a>(response: &Response<'a>) -> &'a [u8] {
    assert_eq!(
        response.status,
        200,
        "{}",
        String::from_utf8_lossy(response.body)
    );

    response.body
}

/// A request with an idempotency key of its own.
fn with_key(request: &[u8]) -> Vec<u8> {
    let now = countersign::clock::Clock::system().now();
    let key = countersign::ids::uuid_v7(now, &countersign::random::SystemRandom);
    let request = std::str::from_utf8(request).expect("a request is ASCII");
    request
        .replacen("\r\n", &format!("\r\nIdempotency-Key: {key}\r\n"), 1)
        .into_bytes()
}
