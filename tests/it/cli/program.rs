//! Runs the program in its own directory and environment.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::temporary::TemporaryDirectory;

/// The directory and the environment variables. An embedded database is created in the directory.
pub(super) struct Program {
    pub(super) directory: TemporaryDirectory,
    variables: Vec<(String, String)>,
}

impl Program {
    pub(super) fn new() -> Self {
        Self {
            directory: TemporaryDirectory::new(),
            variables: Vec::new(),
        }
    }

    /// A program whose server listens on free ports.
    pub(super) fn on_free_ports() -> Self {
        Self::new()
            .with("COUNTERSIGN_SERVER__PUBLIC_ADDRESS", "127.0.0.1:0")
            .with("COUNTERSIGN_SERVER__MANAGEMENT_ADDRESS", "127.0.0.1:0")
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .stdin(Stdio::null());

        command.envs(self.variables.iter().map(|(name, value)| (name, value)));

        command
    }

    fn run(&self, arguments: &[&str]) -> (Output, String, String) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        (output, out, err)
    }

    /// Runs a command that must succeed. Returns its standard output.
    pub(super) fn succeeds(&self, arguments: &[&str]) -> String {
        let (output, out, err) = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {err}");
        out
    }

    /// Runs a command that must fail with this exit status. Returns its standard error.
    pub(super) fn fails(&self, arguments: &[&str], status: i32) -> String {
        let (output, out, err) = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}: {out}{err}"
        );

        assert_eq!(out, "", "{arguments:?}");

        err
    }
}
