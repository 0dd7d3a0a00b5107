//! The rounds of the token server's flows.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign::clock::Clock;
use countersign::devices::{AuthenticatorName, ClientMetadata, REFRESH_PROOF_TYPE};
use countersign::ids::{DeviceId, UserId, uuid_v7};
use countersign::jose::{PrivateJwk, jws};
use countersign::random::SystemRandom;
use countersign::secret::{Keyring, Purpose, sha256};
use countersign::store::journal::{Entry, Insert};
use countersign::store::rows::{GrantRow, RefreshTokenRow};
use serde_json::json;

use super::load::{Connection, Measured, member, post, repeat};
use super::rounds::{FORM, basic};
use super::world::{CLIENT_SECRET, PIN_APPLICATION, World};

const TOKEN: &str = "/oauth/token";
const VERIFIER: &str = "a-verifier-of-more-than-43-characters~._0123456789";
const REDIRECT_URI: &str = "https://shop.example/cb";
/// The number of refreshes whose signatures are made in advance. Further ones are signed as needed.
const SIGNED_IN_ADVANCE: usize = 60_000;

fn basic_of(client_id: &str) -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("{client_id}:{CLIENT_SECRET}"))
    )
}

/// A web client gets a token for itself.
pub async fn client_credentials(
    world: &World,
    client_id: &str,
    connections: usize,
    duration: Duration,
) -> Measured {
    let request = post(
        TOKEN,
        &basic_of(client_id),
        FORM,
        "grant_type=client_credentials&scope=orders",
    );

    same_request(world, connections, duration, |_| request.clone()).await
}

/// A resource server introspects valid tokens, one for each connection.
pub async fn introspection(
    world: &World,
    client_id: &str,
    connections: usize,
    duration: Duration,
) -> Measured {
    let mut connection = Connection::open(world.address).await;
    let mut tokens = Vec::new();

    for _ in 0..connections {
        let request = post(
            TOKEN,
            &basic_of(client_id),
            FORM,
            "grant_type=client_credentials&scope=orders",
        );

        tokens.push(member(connection.send(&request).await.body, "access_token").to_owned());
    }

    let request = |index: usize| {
        post(
            "/oauth/introspect",
            &basic(),
            FORM,
            &format!("token={}", tokens[index]),
        )
    };

    let answer = connection.send(&request(0)).await;
    assert!(
        String::from_utf8_lossy(answer.body).contains("\"active\":true"),
        "{}",
        String::from_utf8_lossy(answer.body)
    );

    same_request(world, connections, duration, request).await
}

async fn same_request(
    world: &World,
    connections: usize,
    duration: Duration,
    request: impl Fn(usize) -> Vec<u8>,
) -> Measured {
    let mut rounds = Vec::new();
    for index in 0..connections {
        let (mut connection, request) = (Connection::open(world.address).await, request(index));
        rounds.push(async move || {
            let started = Instant::now();
            let response = connection.send(&request).await;
            let took = started.elapsed();

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

/// A user with a PIN on a phone, and everything a refresh needs.
struct Session {
    device: DeviceId,
    key: PrivateJwk,
    pin: PrivateJwk,
    family: Vec<u8>,
    keyring: Arc<Keyring>,
    token_endpoint: String,
}

impl Session {
    async fn new(world: &World, index: usize) -> Self {
        let (key, pin) = (new_key(), new_key());
        let metadata = json!({
            "software_id": PIN_APPLICATION, "software_version": "1.0", "platform": "android",
            "jwks": { "keys": [key.public()] }, "token_endpoint_auth_method": "private_key_jwt",
        });
        let metadata =
            ClientMetadata::from_json(metadata.to_string().as_bytes()).expect("metadata");
        let devices = &world.app.devices;
        let device = devices
            .register(metadata, Ipv4Addr::LOCALHOST.into(), None)
            .await
            .expect("a device")
            .device;
        let user = UserId::new(&format!("pinned{index}")).expect("an id");
        devices
            .enrol(&device.id, &user, *new_key().public())
            .await
            .expect("enrolled");

        devices
            .set_authenticator(&device.id, &user, &AuthenticatorName::Pin, *pin.public())
            .await
            .expect("a PIN");

        let now = Clock::system().now();
        let id = || uuid_v7(now, &SystemRandom).into_bytes().to_vec();
        let expires_at = now.after(Duration::from_secs(86_400)).as_millis();

        let grant = GrantRow {
            id: id(),
            client_id: device.id.to_string(),
            application_id: Some(PIN_APPLICATION.to_owned()),
            user_id: user.to_string(),
            scope: "device user".to_owned(),
            auth_time: now.as_millis(),
            created_at: now.as_millis(),
            expires_at,
            ..GrantRow::default()
        };

        let family = RefreshTokenRow {
            id: id(),
            grant_id: grant.id.clone(),
            authenticator: "pin".to_owned(),
            issued_at: now.as_millis(),
            expires_at,
            ..RefreshTokenRow::default()
        };

        let (family_id, token_endpoint) = (
            family.id.clone(),
            format!("http://{}{TOKEN}", world.address),
        );

        let inserts = vec![Insert::from(grant), Insert::from(family)];

        let committed = world
            .app
            .base
            .store
            .commit(Entry {
                inserts,
                ..Entry::default()
            })
            .await;

        assert!(committed.is_ok(), "{committed:?}");

        Self {
            device: device.id,
            key,
            pin,
            family: family_id,
            keyring: Arc::clone(&world.keyring),
            token_endpoint,
        }
    }

    /// The request with the refresh token of this generation.
    fn request(&self, generation: i32) -> Vec<u8> {
        let head = [self.family.as_slice(), &generation.to_be_bytes()].concat();
        let secret = self.keyring.hash(Purpose::RefreshToken, &head);
        let token = URL_SAFE_NO_PAD.encode([head.as_slice(), &secret].concat());
        let now = Clock::system().now().as_secs();
        let assertion = json!({
            "iss": self.device, "sub": self.device, "aud": self.token_endpoint, "iat": now, "exp": now + 600,
            "jti": format!("{generation}"),
        });

        let proof = json!({ "refresh_token_hash": URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())), "iat": now });

        let sign = |key, typ, claims: serde_json::Value| {
            jws::sign(key, Some(typ), claims.to_string().as_bytes()).expect("a signature")
        };
        let body = format!(
            "grant_type=refresh_token&refresh_token={token}&proof={}&client_assertion={}&client_assertion_type={}",
            sign(&self.pin, REFRESH_PROOF_TYPE, proof),
            sign(&self.key, "JWT", assertion),
            "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
        );

        let length = body.len();

        format!(
            "POST {TOKEN} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

fn new_key() -> PrivateJwk {
    PrivateJwk::generate(&SystemRandom).expect("a key")
}

/// A phone refreshes with its PIN: the assertion and the proof are verified and the token is rotated.
/// The phone's signatures are made in advance, because only the server is measured.
pub async fn refresh(world: &World, connections: usize, duration: Duration) -> Measured {
    let mut sessions = Vec::new();
    for index in 0..connections {
        sessions.push(Session::new(world, index).await);
    }

    let rounds_each = SIGNED_IN_ADVANCE / connections;
    let mut rounds = Vec::new();

    for session in sessions {
        let mut connection = Connection::open(world.address).await;

        let signed: Vec<Vec<u8>> = (0..rounds_each)
            .map(|generation| session.request(generation as i32))
            .collect();

        let mut generation = 0;
        rounds.push(async move || {
            let late;
            let request = match signed.get(generation) {
                Some(request) => request,
                None => {
                    late = session.request(generation as i32);
                    &late
                }
            };

            generation += 1;

            let started = Instant::now();
            let response = connection.send(request).await;
            let took = started.elapsed();

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

/// A browser's request. The server recognises the browser when it comes back.
fn browse(path: &str) -> Vec<u8> {
    let cookie = format!("countersign-browser={}", "b".repeat(43));
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n").into_bytes()
}

/// A user logs in at a web client: authorize, the login page's answer, the browser's way back, the
/// token request. All of it is timed.
pub async fn log_in(world: &World, connections: usize, duration: Duration) -> Measured {
    let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
    let mut rounds = Vec::new();

    for index in 0..connections {
        let mut connection = Connection::open(world.address).await;

        let authorize = browse(&format!(
            "/oauth/authorize?response_type=code&client_id=shop&redirect_uri=https%3A%2F%2Fshop.example%2Fcb\
             &scope=orders&state=s&code_challenge={challenge}&code_challenge_method=S256"
        ));

        rounds.push(async move || {
            let started = Instant::now();
            let response = connection.send(&authorize).await;
            assert_eq!(response.status, 303, "{}", String::from_utf8_lossy(response.body));

            let location = response.location.expect("a redirect");
            let challenge = location.split_once("login_challenge=").expect("a challenge").1;
            let body = format!("{{\"subject\":\"user{index}\",\"amr\":[\"pwd\"]}}");
            let length = body.len();
            let accept = format!(
                "PUT /oauth/api/v1/login-requests/{challenge}/accept HTTP/1.1\r\nHost: localhost\r\n\
                 Authorization: {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
                basic(),
            );

            let response = connection.send(accept.as_bytes()).await;
            assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(response.body));

            let resume = member(response.body, "redirect_to");
            let path = resume.split_once("/oauth/").expect("a path").1;
            let resume = browse(&format!("/oauth/{path}"));
            let response = connection.send(&resume).await;
            assert_eq!(response.status, 303, "{}", String::from_utf8_lossy(response.body));

            let redirect = response.location.expect("a redirect");
            let code = redirect.split_once("code=").expect("a code").1.split('&').next().expect("a code");
            let body = format!(
                "grant_type=authorization_code&code={code}&redirect_uri={}&code_verifier={VERIFIER}",
                REDIRECT_URI.replace(':', "%3A").replace('/', "%2F"),
            );
            let redeem = post(TOKEN, &basic_of("shop"), FORM, &body);
            let response = connection.send(&redeem).await;
            assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(response.body));

            started.elapsed()
        });
    }

    repeat(rounds, duration).await
}
