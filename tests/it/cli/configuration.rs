//! The commands `config`, `migrate` and `apply`.

use std::os::unix::fs::PermissionsExt as _;

use countersign::store::DatabaseUrl;

use super::program::Program;
use crate::support::databases::Database;
use crate::support::postgres::Cluster;

const FILE: &str = r#"
[[api_clients]]
client_id = "portal"
client_secret = "env:PORTAL_SECRET"
permissions = ["mobile_authentication"]

[[authentication_types]]
name = "login"
method = "PUSH"
time_to_live_seconds = 120
"#;

const MASTER_KEY: &str = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbi4=";

const SECRET: &str = "kZ8vTqL3xN7wRb2MfJ5sHd9C";

#[test]
fn the_settings_in_effect_are_printed_with_secrets_masked() {
    let program = Program::new()
        .with("COUNTERSIGN_SECRETS__MASTER_KEY", MASTER_KEY)
        .with("COUNTERSIGN_SERVER__PUBLIC_ADDRESS", "127.0.0.1:9999");
    program.write(
        "server.toml",
        "[login]\nlogin_url = \"https://portal.example/login\"",
    );

    let shown = program.succeeds(&["config", "--config", "server.toml"]);

    for line in [
        "\"127.0.0.1:9999\"",
        "https://portal.example/login",
        "master_key = \"********\"",
        "sqlite:countersign.db",
    ] {
        assert!(shown.contains(line), "{line} is missing in\n{shown}");
    }

    assert!(!shown.contains(MASTER_KEY));

    // The output is a file with the same meaning.
    let (first, _) = shown.split_once("[secrets]").unwrap();
    program.write("again.toml", first);

    assert!(
        program
            .succeeds(&["config", "--config", "again.toml"])
            .starts_with(first)
    );
}

#[test]
fn errors_are_one_sentence_that_names_the_cause() {
    let misspelt = Program::new().with("COUNTERSIGN_SERVER__PUBLIC_ADRESS", "x");
    assert!(
        misspelt
            .fails(&["serve"], 1)
            .contains("COUNTERSIGN_SERVER__PUBLIC_ADRESS")
    );

    let program = Program::new();
    program.write("server.toml", "[server]\nport = 1");
    let error = program.fails(&["serve", "--config", "server.toml"], 1);
    assert!(
        error.contains("port") && error.contains("server.toml"),
        "{error}"
    );

    assert!(
        program
            .fails(&["config", "--config", "none.toml"], 1)
            .contains("cannot read none.toml")
    );

    assert!(
        program
            .fails(&["apply", "none.toml"], 1)
            .contains("cannot read none.toml")
    );

    assert!(program.fails(&["dance"], 2).contains("dance"));

    let nowhere = Program::new().with("COUNTERSIGN_DATABASE__URL", "mysql://x");
    assert!(
        nowhere
            .fails(&["migrate"], 1)
            .contains("database.url must start with `sqlite:` or `postgres://`")
    );
}

#[test]
fn what_a_server_would_refuse_is_refused_when_the_settings_are_shown() {
    let cases = [
        (
            "COUNTERSIGN_LOGS__LEVEL",
            "warning",
            "`warning` is no level",
        ),
        (
            "COUNTERSIGN_LOGS__LEVEL",
            "info,hyper=inof",
            "`inof` is no level",
        ),
        ("COUNTERSIGN_LOGS__FORMAT", "xml", "logs.format"),
        (
            "COUNTERSIGN_DATABASE__URL",
            "mysql://x",
            "database.url must start",
        ),
        (
            "COUNTERSIGN_DATABASE__URL",
            "postgres://joe:hun#ter2@db/app",
            "percent-encoded",
        ),
        (
            "COUNTERSIGN_DATABASE__URL",
            "postgres://db/app",
            "secrets.master_key",
        ),
        (
            "COUNTERSIGN_SECRETS__MASTER_KEY",
            "canary",
            "secrets.master_key",
        ),
    ];

    for (name, value, problem) in cases {
        let program = Program::new().with(name, value);
        for command in ["config", "serve"] {
            let error = program.fails(&[command], 1);
            assert!(error.contains(problem), "{command} {name}={value}: {error}");
            assert!(
                !error.contains("canary") && !error.contains("ter2"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_backup_is_a_whole_database_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt as _;

    let program = Program::new().with("PORTAL_SECRET", SECRET);
    assert!(
        program
            .fails(&["backup", "copy.db"], 1)
            .contains("there is no database")
    );

    program.write("configuration.toml", FILE);
    program.succeeds(&["apply", "configuration.toml"]);
    program.succeeds(&["backup", "copy.db"]);

    let copy = program.path().join("copy.db");
    let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        program
            .fails(&["backup", "copy.db"], 1)
            .contains("exists already")
    );

    // It has what was applied.
    let key = program.path().join("countersign.db.key");
    std::fs::copy(key, program.path().join("copy.db.key")).unwrap();
    let program = program.with("COUNTERSIGN_DATABASE__URL", "sqlite:copy.db");
    let again = program.succeeds(&["apply", "configuration.toml"]);
    assert!(again.starts_with("0 to change"), "{again}");

    let postgres = Program::new().with("COUNTERSIGN_DATABASE__URL", "postgres://db/app");
    assert!(
        postgres
            .fails(&["backup", "copy.db"], 1)
            .contains("pg_dump")
    );
}

#[test]
fn no_text_of_a_connection_error_is_shown() {
    for (url, cause) in [
        (
            "postgres://joe:hun%zzter2@127.0.0.1:1/app",
            "percent-encoded",
        ),
        ("postgres://joe:hunter2@127.0.0.1:1/app", "nothing listens"),
        (
            "postgres://joe:hunter2@127.0.0.1:1/app?host=/nowhere",
            "nothing listens",
        ),
    ] {
        let program = Program::new()
            .with("COUNTERSIGN_DATABASE__URL", url)
            .with("COUNTERSIGN_SECRETS__MASTER_KEY", MASTER_KEY);
        let error = program.fails(&["migrate"], 1);
        assert!(error.contains(cause) && !error.contains("ter2"), "{error}");
    }
}

#[test]
fn applying_a_file_twice_changes_nothing() {
    let program = Program::new().with("PORTAL_SECRET", SECRET);
    program.write("configuration.toml", FILE);
    let dry = program.succeeds(&["apply", "configuration.toml", "--dry-run"]);
    assert!(
        dry.contains("create api_clients \"portal\"") && dry.contains("nothing was done"),
        "{dry}"
    );

    assert!(!program.path().join("countersign.db").exists());

    let first = program.succeeds(&["apply", "configuration.toml"]);
    assert!(
        first.contains("2 to change") && first.contains("revision 1"),
        "{first}"
    );

    let second = program.succeeds(&["apply", "configuration.toml"]);
    assert!(
        second.starts_with("0 to change, 4 unchanged") && second.contains("revision 1"),
        "{second}"
    );

    program.write("configuration.toml", &FILE.replace("120", "60"));
    let dry = program.succeeds(&["apply", "configuration.toml", "--dry-run"]);
    assert!(
        dry.contains("change authentication_types \"login\" (time_to_live_seconds)"),
        "{dry}"
    );

    let web_client = "\n[[web_clients]]\nclient_id = \"shop\"\nname = \"Shop\"\n\
                      client_secret = \"env:PORTAL_SECRET\"\ngrant_types = [\"client_credentials\"]";
    program.write("configuration.toml", &format!("{FILE}{web_client}"));
    let dry = program.succeeds(&["apply", "configuration.toml", "--dry-run"]);
    assert!(
        dry.contains("create web_clients \"shop\"") && dry.contains("1 to change"),
        "{dry}"
    );

    assert!(!dry.contains(SECRET));

    program.write("configuration.toml", &FILE.replace("120", "6000"));
    let error = program.fails(&["apply", "configuration.toml"], 1);
    assert!(
        error.contains("configuration.toml: authentication_types[0].time_to_live_seconds"),
        "{error}"
    );

    assert!(!error.contains(SECRET));
}

#[test]
fn the_key_of_an_embedded_database_is_created_once_and_required_afterwards() {
    let program = Program::on_free_ports().with("PORTAL_SECRET", SECRET);
    program.write("configuration.toml", FILE);
    program.succeeds(&["apply", "configuration.toml"]);
    let key = program.path().join("countersign.db.key");
    assert_eq!(
        std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let saved = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();

    assert!(
        program
            .fails(&["apply", "configuration.toml"], 1)
            .contains("countersign.db.key is missing")
    );

    assert!(!key.exists());

    std::fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();

    assert!(
        program
            .fails(&["serve"], 1)
            .contains("the master key does not fit this database")
    );

    std::fs::write(&key, "short").unwrap();

    assert!(
        program
            .fails(&["serve"], 1)
            .contains("the master key must be 32 bytes in base64")
    );

    std::fs::write(&key, saved).unwrap();
    program.succeeds(&["apply", "configuration.toml"]);
}

#[test]
fn a_database_in_another_encoding_is_refused() {
    let cluster = Cluster::start_new();
    cluster.execute(
        "CREATE DATABASE latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    );

    let url = cluster.url("latin1");
    for command in ["migrate", "serve"] {
        let program = Program::on_free_ports()
            .with("COUNTERSIGN_DATABASE__URL", &url)
            .with(
                "COUNTERSIGN_SECRETS__MASTER_KEY",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            );
        let refusal = program.fails(&[command], 1);
        assert!(refusal.contains("is LATIN1"), "{refusal}");
    }
}

#[test]
fn a_server_refuses_a_postgresql_schema_that_is_not_migrated() {
    let database = Database::postgres();
    let DatabaseUrl::Postgres(url) = database.url() else {
        panic!("PostgreSQL")
    };
    let program = Program::new().with("COUNTERSIGN_DATABASE__URL", url.expose());

    let keyed = Program::on_free_ports()
        .with("COUNTERSIGN_DATABASE__URL", url.expose())
        .with(
            "COUNTERSIGN_SECRETS__MASTER_KEY",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        )
        .with("PORTAL_SECRET", SECRET);

    assert!(
        keyed
            .fails(&["serve"], 1)
            .contains("run `countersign migrate`")
    );

    assert!(
        program
            .succeeds(&["migrate"])
            .contains("15 migrations were run")
    );

    assert!(program.succeeds(&["migrate"]).contains("was up to date"));

    keyed.write("configuration.toml", FILE);

    assert!(
        program
            .fails(&["apply", "/dev/null"], 1)
            .contains("secrets.master_key is required with PostgreSQL")
    );

    assert!(
        keyed
            .succeeds(&["apply", "configuration.toml"])
            .contains("revision 1")
    );
}
