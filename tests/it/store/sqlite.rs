//! How the bundled SQLite is compiled.

use countersign::store::Connection;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

use crate::support::databases::Database;

#[derive(QueryableByName)]
struct CompileOption {
    #[diesel(sql_type = Text)]
    compile_options: String,
}

/// `.cargo/config.toml` asks for these, and a build elsewhere could miss it.
#[tokio::test]
async fn the_bundled_library_keeps_its_plans_and_counts_no_memory() {
    let database = Database::sqlite();
    let store = database.store();

    let options = store
        .read(|connection| {
            let Connection::Sqlite(connection) = connection else {
                unreachable!("the database is SQLite");
            };

            sql_query("PRAGMA compile_options").load::<CompileOption>(connection)
        })
        .await
        .unwrap();

    let options: Vec<_> = options
        .iter()
        .map(|option| &*option.compile_options)
        .collect();
    for wanted in ["ENABLE_QPSG", "DEFAULT_MEMSTATUS=0"] {
        assert!(
            options.contains(&wanted),
            "{wanted} is not among {options:?}"
        );
    }
}
