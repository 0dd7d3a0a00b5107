//! Migrations, and whether `schema.rs` tells what they make.

use std::collections::BTreeMap;

use countersign::store::{Connection, SchemaStatus, Store, StoreError};
use diesel::sql_types::{Bool, Text};
use diesel::{QueryResult, QueryableByName, RunQueryDsl as _, sql_query};

use super::entries::start;
use crate::support::databases::{Database, on_both_databases};
use crate::support::rows::transaction;

on_both_databases!(
    goes_up_down_and_up_again,
    is_what_the_program_thinks,
    a_newer_schema_is_noticed,
    two_may_migrate_at_once
);

async fn goes_up_down_and_up_again(database: Database) {
    let store = database.open();
    assert_eq!(store.schema_status(), Ok(SchemaStatus::Older(15)));
    store.migrate().unwrap();
    assert_eq!(store.schema_status(), Ok(SchemaStatus::Current));
    let first = columns(&store).await;
    assert!(store.commit(start(&transaction())).await.is_ok());
    store.revert_migrations().unwrap();
    assert_eq!(store.schema_status(), Ok(SchemaStatus::Older(15)));
    assert_eq!(columns(&store).await, BTreeMap::new());

    assert!(matches!(
        store.commit(start(&transaction())).await,
        Err(StoreError::Aborted(_))
    ));

    store.migrate().unwrap();
    store.migrate().unwrap();
    assert_eq!(columns(&store).await, first);
    assert!(store.commit(start(&transaction())).await.is_ok());
}

async fn is_what_the_program_thinks(database: Database) {
    let store = database.store();
    assert_eq!(columns(&store).await, declared_columns());
}

async fn a_newer_schema_is_noticed(database: Database) {
    let store = database.store();
    assert_eq!(store.schema_status().unwrap().require_current(), Ok(()));

    let result: Result<usize, StoreError> = store
        .write(|connection| {
            let insert =
                "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')";
            Ok(match connection {
                Connection::Postgres(connection) => sql_query(insert).execute(connection)?,
                Connection::Sqlite(connection) => sql_query(insert).execute(connection)?,
            })
        })
        .await;

    assert_eq!(result, Ok(1));
    let status = store.schema_status().unwrap();
    assert_eq!(status, SchemaStatus::Newer(1));

    assert!(matches!(
        status.require_current(),
        Err(StoreError::Schema(_))
    ));

    assert!(matches!(
        SchemaStatus::Older(2).require_current(),
        Err(StoreError::Schema(_))
    ));
}

async fn two_may_migrate_at_once(database: Database) {
    let stores = [database.open(), database.open(), database.open()];
    std::thread::scope(|scope| {
        for store in &stores {
            scope.spawn(|| store.migrate().unwrap());
        }
    });

    assert_eq!(stores[0].schema_status(), Ok(SchemaStatus::Current));
}

/// Table to column to type and whether it may be null.
type Columns = BTreeMap<String, BTreeMap<String, (String, bool)>>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    data_type: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

async fn columns(store: &Store) -> Columns {
    let mut tables = Columns::new();

    for column in store.read(load_columns).await.unwrap() {
        let kind = diesel_type(&column.data_type).to_owned();
        tables
            .entry(column.table_name)
            .or_default()
            .insert(column.column_name, (kind, column.nullable));
    }

    tables
}

fn load_columns(connection: &mut Connection) -> QueryResult<Vec<Column>> {
    match connection {
        Connection::Postgres(connection) => sql_query(
            "SELECT table_name::text, column_name::text, upper(data_type) AS data_type, is_nullable = 'YES' AS nullable \
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'",
        )
        .load(connection),
        Connection::Sqlite(connection) => sql_query(
            "SELECT t.name AS table_name, c.name AS column_name, upper(c.type) AS data_type, \
                    c.\"notnull\" = 0 AND c.pk = 0 AS nullable \
             FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'",
        )
        .load(connection),
    }
}

fn diesel_type(data_type: &str) -> &'static str {
    match data_type {
        "TEXT" => "Text",
        "BIGINT" => "BigInt",
        "INTEGER" => "Integer",
        "SMALLINT" => "SmallInt",
        "BOOLEAN" => "Bool",
        "BYTEA" | "BLOB" => "Binary",
        other => panic!("a type that schema.rs does not know: {other}"),
    }
}

/// What `schema.rs` says, read as text.
fn declared_columns() -> Columns {
    let text = include_str!("../../../src/store/schema.rs");
    let mut tables = Columns::new();
    let mut table = None;

    for line in text.lines().map(str::trim) {
        if let Some((name, _)) = line
            .strip_suffix('{')
            .and_then(|line| line.split_once(" ("))
        {
            table = Some(name.to_owned());
        } else if line == "}" {
            table = None;
        } else if let (Some(table), Some((column, kind))) =
            (&table, line.trim_end_matches(',').split_once(" -> "))
        {
            let inner = kind
                .strip_prefix("Nullable<")
                .and_then(|kind| kind.strip_suffix('>'));
            let described = (inner.unwrap_or(kind).to_owned(), inner.is_some());
            tables
                .entry(table.clone())
                .or_default()
                .insert(column.to_owned(), described);
        }
    }

    tables
}
