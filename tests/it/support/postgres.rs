//! Temporary PostgreSQL clusters.
//!
//! A shell waits for the end of a pipe that the test process holds. However that process ends, even
//! by a kill, the shell then stops the cluster and removes its files.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use countersign::store::DatabaseUrl;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};

/// A PostgreSQL server on a free port.
pub(crate) struct Cluster {
    /// The variables of the scripts that call `pg_ctl`.
    environment: [(&'static str, String); 3],
    port: u16,
    databases: AtomicU32,
    /// The shell. It ends when the pipe to it is closed.
    _keeper: Child,
}

/// Creates the cluster's files, waits for the end of the pipe, and removes everything.
const KEEPER: &str = r#"
set -e
trap '' INT TERM HUP
umask 077
directory=$(mktemp -d "${TMPDIR:-/tmp}/countersign-postgres-XXXXXX")
cd "$directory"
"$BIN/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >initdb.log 2>&1 || { cat initdb.log >&2; exit 1; }
echo "$directory"
exec >/dev/null
cat
"$BIN/pg_ctl" -D data -m immediate stop || true
cd /
rm -rf "$directory"
"#;

const START: &str = r#"
exec "$BIN/pg_ctl" -D "$DIRECTORY/data" -l "$DIRECTORY/log" -w -t 60 -o "$OPTIONS" start >/dev/null
"#;

const STOP: &str = r#"
exec "$BIN/pg_ctl" -D "$DIRECTORY/data" -w -t 60 -m immediate stop >/dev/null
"#;

impl Cluster {
    /// The cluster that tests share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start_new)
    }

    /// Creates and starts a cluster. It is fast because it would not survive a crash of the machine.
    pub(crate) fn start_new() -> Self {
        Self::start_with("-c fsync=off -c full_page_writes=off -c shared_buffers=64MB")
    }

    /// Creates and starts a cluster with these options.
    pub(crate) fn start_with(options: &str) -> Self {
        let bin = binaries().display().to_string();
        let mut keeper = shell(KEEPER, &[("BIN", bin.clone())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // So that Ctrl-C does not reach the shell.
            .process_group(0)
            .spawn()
            .expect("a shell");

        let directory = first_line(&mut keeper);
        assert!(
            !directory.is_empty(),
            "PostgreSQL's initdb failed: see above"
        );

        for _ in 0..5 {
            let port = free_port();
            let options = format!(
                "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=500 {options}"
            );
            let environment = [
                ("BIN", bin.clone()),
                ("DIRECTORY", directory.clone()),
                ("OPTIONS", options),
            ];

            if succeeds(START, &environment) {
                return Self {
                    environment,
                    port,
                    databases: AtomicU32::new(0),
                    _keeper: keeper,
                };
            }
            // Another process has taken the port.
        }

        panic!("PostgreSQL does not start: see {directory}/log");
    }

    /// Creates an empty database.
    pub(crate) fn create_database(&self) -> DatabaseUrl {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection =
            PgConnection::establish(&self.url("postgres")).expect("the cluster runs");
        diesel::sql_query(format!("CREATE DATABASE {name}"))
            .execute(&mut connection)
            .expect("a new database");

        self.url(&name).parse().expect("a valid URL")
    }

    /// Runs a statement as the superuser.
    pub(crate) fn execute(&self, statement: &str) {
        let mut connection =
            PgConnection::establish(&self.url("postgres")).expect("the cluster runs");
        diesel::sql_query(statement)
            .execute(&mut connection)
            .expect("the statement succeeds");
    }

    /// Stops the server like a crash would.
    pub(crate) fn stop(&self) {
        assert!(
            succeeds(STOP, &self.environment),
            "PostgreSQL does not stop"
        );
    }

    /// Starts the server again on the same port.
    pub(crate) fn start(&self) {
        assert!(
            succeeds(START, &self.environment),
            "PostgreSQL does not start again"
        );
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

/// Runs a script. PostgreSQL refuses to run as root, so root becomes the user `postgres`.
fn shell(script: &str, environment: &[(&'static str, String)]) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh", "-c", script]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    };

    command
        .current_dir("/")
        .envs(environment.iter().map(|(name, value)| (name, value)));

    command
}

fn succeeds(script: &str, environment: &[(&'static str, String)]) -> bool {
    shell(script, environment)
        .stdin(Stdio::null())
        .status()
        .expect("a shell")
        .success()
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id");
    output.stdout.trim_ascii() == b"0"
}

/// Finds the server's programs on the path or where Debian installs them, the newest version first.
fn binaries() -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = std::env::split_paths(&on_path).collect();

    if let Ok(versions) = Path::new("/usr/lib/postgresql").read_dir() {
        let mut versions: Vec<PathBuf> = versions.flatten().map(|version| version.path()).collect();
        let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
        versions.sort_by_key(|path| std::cmp::Reverse(number(path)));
        directories.extend(versions.into_iter().map(|version| version.join("bin")));
    }

    let complete = |directory: &PathBuf| {
        ["initdb", "pg_ctl", "postgres"]
            .iter()
            .all(|name| directory.join(name).exists())
    };

    directories
        .into_iter()
        .find(complete)
        .expect("PostgreSQL's server is installed: tests/run installs it")
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let output = child.stdout.take().expect("piped");
    BufReader::new(output)
        .read_line(&mut line)
        .expect("readable");

    line.trim().to_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}
