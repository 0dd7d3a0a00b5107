//! No statement reads what grows: the plans of the statements that other tests run. On PostgreSQL not
//! those with `unnest`: the types of their parameters are not in the text, and SQLite's twins are
//! looked at.
//!
//! This test program is started again for some of its tests, and says which statements they ran
//! ([`Recorder`](crate::support::statements)). Then the database is asked how it would run them.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection};

use countersign::store::DatabaseUrl;

use crate::support::databases::Database;
use crate::support::statements::{self, FILE_VARIABLE};
use crate::support::temporary::TemporaryDirectory;

/// Tests that go through the hot paths and the loops, without the name of the database.
const TESTS: &[&str] = &[
    "transactions::push",
    "transactions::prompts",
    "transactions::sms",
    "transactions::otp",
    "transactions::delivery",
    "transactions::idempotency",
    "transactions::recovery",
    "callbacks::delivery",
    "store::sweep",
    "store::callbacks",
    "oauth::refresh",
    "oauth::introspection",
    "oauth::device_code",
    "oauth::revocation",
];

/// Tables that stay small: what administrators configure, and what there is one of.
const SMALL: &[&str] = &[
    "settings",
    "server_state",
    "signing_keys",
    "__diesel_schema_migrations",
    "sqlite_master",
    // The parameters of a statement: a row without a table.
    "CONSTANT",
    "k",
    "u",
];

/// Pieces of statements that sort, or scan, all the same, and why that does not grow.
const EXCEPTIONS: &[&str] = &[
    // A page of callbacks that were claimed.
    "FROM `callbacks` WHERE (`callbacks`.`id` IN",
    // The devices of one user.
    "JOIN push_enrolments AS p ON p.user_id",
    // The keys that are published.
    "FROM `signing_keys`",
    // What one device is asked at this moment.
    "INDEXED BY transactions_pending_by_device",
    // Asked by tests only.
    "FROM `events` WHERE (`events`.`user_id`",
];

/// Runs the tests on this database; the statements that they ran.
fn statements_of(database: &str) -> BTreeSet<String> {
    let directory = TemporaryDirectory::new();
    let file = directory.path().join("statements");

    let tests = TESTS.iter().map(|test| format!("{test}::{database}::"));
    // Whether they pass is told where they run themselves.
    Command::new(std::env::current_exe().unwrap())
        .args(tests)
        .env(FILE_VARIABLE, &file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();

    let statements = statements::read(&file);
    assert!(
        statements.len() > 50,
        "they run more than these: {statements:#?}"
    );
    statements
}

/// Explains the statements of the tests on this database: whether each one reads what grows, and its
/// plan. None may, but for the exceptions.
fn check(database: &str, mut explain: impl FnMut(&str) -> (bool, Vec<String>)) {
    let mut faults = Vec::new();

    for statement in statements_of(database) {
        if !is_query(&statement) || is_exception(&statement) {
            continue;
        }

        let (reads_all, plan) = explain(&statement);
        if reads_all {
            faults.push(format!("{statement}\n    {}", plan.join("\n    ")));
        }
    }

    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[test]
fn sqlite_finds_rows_by_indexes() {
    let database = Database::sqlite();
    drop(database.store());
    let DatabaseUrl::Sqlite(path) = database.url() else {
        panic!("SQLite")
    };
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();

    check("sqlite", |statement| {
        let plan: Vec<SqliteStep> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}"))
            .load(&mut connection)
            .unwrap();
        let plan: Vec<String> = plan.into_iter().map(|step| step.detail).collect();

        let reads_all = plan.iter().any(|step| {
            let mut words = step.split(' ');
            words.next() == Some("SCAN") && words.next().is_some_and(is_large)
        });
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));

        (reads_all || sorts, plan)
    });
}

#[derive(QueryableByName)]
struct PostgresStep {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

#[test]
fn postgres_finds_rows_by_indexes() {
    let database = Database::postgres();
    drop(database.store());
    let DatabaseUrl::Postgres(url) = database.url() else {
        panic!("PostgreSQL")
    };
    let mut connection = PgConnection::establish(url.expose()).unwrap();
    connection
        .batch_execute(
            "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
             SET enable_hashjoin = off; SET enable_mergejoin = off",
        )
        .unwrap();

    check("postgres", |statement| {
        if statement.contains("unnest(") {
            return (false, Vec::new());
        }

        let plan = plan_of(&mut connection, statement);
        let reads_all = plan
            .iter()
            .enumerate()
            .any(|(index, line)| reads_all(line, &plan[index + 1..]));

        (reads_all, plan)
    });
}

/// Whether a step of PostgreSQL's plan reads a whole table, or a whole index, of what grows; `after` are
/// the lines behind it.
fn reads_all(step: &str, after: &[String]) -> bool {
    if let Some((_, table)) = step.split_once("Seq Scan on ") {
        return is_large(table);
    }

    let Some((_, table)) = step
        .split_once(" using ")
        .and_then(|(_, index)| index.split_once(" on "))
    else {
        return false;
    };

    let mut details = after.iter().take_while(|line| !line.contains("->"));
    is_large(table) && !details.any(|line| line.contains("Index Cond"))
}

/// The generic plan, whatever the values are.
fn plan_of(connection: &mut PgConnection, statement: &str) -> Vec<String> {
    let values = (1..)
        .take_while(|number| statement.contains(&format!("${number}")))
        .count();
    let values = match vec!["NULL"; values].join(", ") {
        none if none.is_empty() => none,
        some => format!("({some})"),
    };

    connection
        .batch_execute(&format!("PREPARE explained AS {statement}"))
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
    let plan: Vec<PostgresStep> =
        diesel::sql_query(format!("EXPLAIN (COSTS OFF) EXECUTE explained{values}"))
            .load(connection)
            .unwrap();
    connection.batch_execute("DEALLOCATE explained").unwrap();

    plan.into_iter().map(|step| step.line).collect()
}

fn is_exception(statement: &str) -> bool {
    // PostgreSQL's quotes are others.
    let statement = statement.replace('"', "`");
    EXCEPTIONS.iter().any(|piece| statement.contains(piece))
}

/// Whether a statement has a plan: settings and transactions have none.
fn is_query(statement: &str) -> bool {
    let words = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];
    words.iter().any(|word| statement.starts_with(word))
}

/// Whether rows of a table become more as time goes by; `table` may go on with an alias.
fn is_large(table: &str) -> bool {
    let name = table.split(' ').next().unwrap_or_default();
    !SMALL.contains(&name)
}
