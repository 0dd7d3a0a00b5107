//! `countersign serve` as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};

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
    let mut connection = TcpStream::connect(address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).unwrap();

    let mut response = String::new();
    connection.read_to_string(&mut response).unwrap();
    response
}
