//! `countersign serve` as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};

use countersign::clock::Clock;
use countersign::jose::{PrivateJwk, jws};
use countersign::oauth::CLIENT_ASSERTION_TYPE;
use countersign::random::SystemRandom;
use serde_json::json;

use super::program::Program;

/// A running server. Dropping it kills it.
struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Server {
    fn start(program: &Program) -> Self {
        let mut child = program
            .command(&["serve"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();

        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// The next record of the log whose message starts with this text.
    fn wait_for(&mut self, message: &str) -> serde_json::Value {
        loop {
            let mut line = String::new();
            assert!(
                self.log.read_line(&mut line).unwrap() > 0,
                "the server ended before it logged {message:?}"
            );

            let record: serde_json::Value = serde_json::from_str(&line).expect(&line);

            if record["message"]
                .as_str()
                .is_some_and(|text| text.starts_with(message))
            {
                return record;
            }
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_starts_empty_follows_configuration_changes_and_stops_on_sigterm() {
    let program = Program::on_free_ports()
        .with("COUNTERSIGN_LOGS__FORMAT", "json")
        .with("SECRET", "kZ8vTqL3xN7wRb2MfJ5sHd9C");
    let mut server = Server::start(&program);
    server.wait_for("countersign is listening");

    program.write(
        "configuration.toml",
        "[[api_clients]]\nclient_id = \"portal\"\nclient_secret = \"env:SECRET\"\npermissions = [\"admin\"]",
    );

    program.succeeds(&["apply", "configuration.toml"]);
    assert_eq!(server.wait_for("settings were changed")["revision"], 1);

    server.signal("TERM");
    server.wait_for("countersign is stopping");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let program = Program::new().with("COUNTERSIGN_SERVER__PUBLIC_ADDRESS", &address);
    let error = program.fails(&["serve"], 1);
    assert!(
        error.contains(&address) && error.contains("server.public_address"),
        "{error}"
    );
}

#[test]
fn the_start_names_the_database_and_the_listeners() {
    let program = Program::on_free_ports().with("COUNTERSIGN_LOGS__FORMAT", "json");
    let record = Server::start(&program).wait_for("countersign is listening");
    assert_eq!(record["database"], "sqlite:countersign.db");
    assert!(record["public"].is_string() && record["management"].is_string());
}

#[test]
fn a_hang_up_stops_nothing_and_a_second_stop_ends_at_once() {
    let program = Program::on_free_ports()
        .with("COUNTERSIGN_LOGS__FORMAT", "json")
        .with("COUNTERSIGN_SERVER__DRAIN_DELAY_SECONDS", "600");
    let mut server = Server::start(&program);
    let address = server.wait_for("countersign is listening")["management"].clone();

    server.signal("HUP");
    server.signal("TERM");
    server.wait_for("countersign is stopping");

    // While it drains it still answers, and says that it is not ready.
    let answer = get(address.as_str().unwrap(), "/readyz");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");

    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_reader_of_the_log_who_stalls_stops_nothing() {
    let program = Program::on_free_ports().with("COUNTERSIGN_LOGS__FORMAT", "json");
    let mut server = Server::start(&program);
    let record = server.wait_for("countersign is listening");
    let public = record["public"].as_str().unwrap();

    // Each request is a record; nobody reads them, and a pipe has room for a few hundred.
    for _ in 0..2_000 {
        let answer = get(public, "/.well-known/openid-configuration");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    let management = record["management"].as_str().unwrap();
    assert!(get(management, "/livez").starts_with("HTTP/1.1 200"));
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn an_issuer_with_a_path_is_found_at_both_places() {
    let issuer = "https://id.example/tenants/one";
    let program = Program::on_free_ports()
        .with("COUNTERSIGN_LOGS__FORMAT", "json")
        .with("COUNTERSIGN_SERVER__PUBLIC_URL", issuer);
    let mut server = Server::start(&program);
    let record = server.wait_for("countersign is listening");
    let address = record["public"].as_str().unwrap();

    for name in ["openid-configuration", "oauth-authorization-server"] {
        // With the path taken off by a proxy, and where it comes last.
        for path in ["", "/tenants/one"] {
            let found = get(address, &format!("/.well-known/{name}{path}"));
            assert!(found.starts_with("HTTP/1.1 200"), "{name}{path}: {found}");
            assert!(
                found.contains(&format!("\"issuer\":\"{issuer}\"")),
                "{found}"
            );
        }

        for other in ["/tenants", "/tenants/one/", "/tenants/two", "/x"] {
            let found = get(address, &format!("/.well-known/{name}{other}"));
            assert!(found.starts_with("HTTP/1.1 404"), "{name}{other}: {found}");
        }
    }
}

#[test]
fn the_log_says_why_a_client_was_refused() {
    let program = Program::on_free_ports()
        .with("COUNTERSIGN_LOGS__FORMAT", "json")
        .with("COUNTERSIGN_SERVER__PUBLIC_URL", "https://id.example");
    let key = PrivateJwk::generate(&SystemRandom).unwrap();
    let jwk = serde_json::to_value(key.public()).unwrap();
    let member = |name: &str| jwk[name].as_str().unwrap().to_owned();
    program.write(
        "configuration.toml",
        &format!(
            "[[web_clients]]\nclient_id = \"batch\"\nname = \"Batch\"\ngrant_types = [\"client_credentials\"]\n\
             public_jwk = {{ kty = \"EC\", crv = \"P-256\", x = \"{}\", y = \"{}\" }}\n",
            member("x"),
            member("y"),
        ),
    );
    program.succeeds(&["apply", "configuration.toml"]);

    let mut server = Server::start(&program);
    let record = server.wait_for("countersign is listening");
    let address = record["public"].as_str().unwrap();

    // The address behind the proxy: the commonest mistake of all.
    let now = Clock::system().now().as_secs();
    let claims = json!({
        "iss": "batch", "sub": "batch", "aud": "http://10.0.0.7:8080/oauth/token", "jti": "1",
        "iat": now, "exp": now + 60,
    });
    let assertion = jws::sign(&key, None, claims.to_string().as_bytes()).unwrap();
    let form = format!(
        "grant_type=client_credentials&client_assertion={assertion}&client_assertion_type={CLIENT_ASSERTION_TYPE}"
    );
    let answer = post(address, "/oauth/token", "", &form);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    // Whoever asks is not told what would help to forge one.
    assert!(!answer.contains("10.0.0.7"), "{answer}");

    let logged = server.wait_for("a client assertion was refused");
    assert_eq!(logged["client_id"], "batch");
    let reason = logged["error"].as_str().unwrap();
    for part in [
        "aud",
        "https://id.example",
        "http://10.0.0.7:8080/oauth/token",
    ] {
        assert!(reason.contains(part), "{reason}");
    }
    assert!(!logged.to_string().contains(&assertion));

    post(
        address,
        "/oauth/token",
        "",
        "grant_type=client_credentials&client_id=nobody&client_secret=guessed",
    );
    let logged = server.wait_for("a client was not authenticated");
    assert!(logged["reason"].is_string(), "{logged}");
    assert!(!logged.to_string().contains("guessed"), "{logged}");

    let bearer = "authorization: Bearer some-token\r\n";
    post(address, "/oauth/userinfo", bearer, "");
    let logged = server.wait_for("an access token was refused");
    assert!(logged["reason"].is_string(), "{logged}");
    assert!(!logged.to_string().contains("some-token"), "{logged}");
}

#[test]
fn signing_keys_are_rotated_while_a_server_runs() {
    let program = Program::on_free_ports().with("COUNTERSIGN_LOGS__FORMAT", "json");
    let mut server = Server::start(&program);
    let record = server.wait_for("countersign is listening");
    let address = record["public"].as_str().unwrap();
    get(address, "/oauth/keys");

    let said = program.succeeds(&["keys", "rotate"]);
    assert_eq!(said.matches(" signs from ").count(), 2, "{said}");

    let said = program.succeeds(&["keys", "rotate", "--withdraw"]);
    let kids: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split_once(" signs from ")?.0.split(' ').nth(1))
        .collect();
    assert_eq!(kids.len(), 2, "{said}");

    // Another server reads nothing but the new ones.
    drop(server);
    let mut server = Server::start(&program);
    let record = server.wait_for("countersign is listening");
    let keys = get(record["public"].as_str().unwrap(), "/oauth/keys");
    assert!(kids.iter().all(|kid| keys.contains(kid)), "{keys}");
    assert_eq!(keys.matches("\"kid\"").count(), 2, "{keys}");
}

#[test]
fn probes_are_not_logged_and_requests_only_if_asked_for() {
    let logged = |requests: &str| {
        let program = Program::on_free_ports()
            .with("COUNTERSIGN_LOGS__FORMAT", "json")
            .with("COUNTERSIGN_LOGS__REQUESTS", requests);
        let mut server = Server::start(&program);
        let record = server.wait_for("countersign is listening");
        let address = |name: &str| record[name].as_str().unwrap().to_owned();

        for path in ["/livez", "/readyz", "/metrics"] {
            get(&address("management"), path);
        }
        get(&address("public"), "/oauth/keys");
        server.signal("TERM");

        let mut log = String::new();
        server.log.read_to_string(&mut log).unwrap();
        log.lines()
            .filter(|line| line.contains("request answered"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };

    let lines = logged("true");
    assert!(
        lines.len() == 1 && lines[0].contains("/oauth/keys"),
        "{lines:?}"
    );
    assert!(logged("false").is_empty());
}

/// A request on a connection of its own. Returns the whole response.
fn get(address: &str, path: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    exchange(address, &head)
}

/// The same with a form, and further headers.
fn post(address: &str, path: &str, headers: &str, form: &str) -> String {
    let length = form.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{form}"
    );
    exchange(address, &request)
}

fn exchange(address: &str, request: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(request.as_bytes()).unwrap();

    let mut response = String::new();
    connection.read_to_string(&mut response).unwrap();
    response
}
