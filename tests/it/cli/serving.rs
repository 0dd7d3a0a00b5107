//! `countersign serve` as a process.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
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
