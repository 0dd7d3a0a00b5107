//! Databases, so that each test runs on SQLite and on PostgreSQL.

use countersign::store::{DatabaseUrl, Store, StoreError, StoreOptions};
use diesel::connection::SimpleConnection as _;

use super::postgres::Cluster;
use super::statements;
use super::temporary::TemporaryDirectory;

/// An empty database, which is removed with the files it needs.
pub(crate) struct Database {
    url: DatabaseUrl,
    _directory: Option<TemporaryDirectory>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        statements::record();

        let directory = TemporaryDirectory::new();
        Self {
            url: DatabaseUrl::Sqlite(directory.path().join("test.db")),
            _directory: Some(directory),
        }
    }

    pub(crate) fn postgres() -> Self {
        Self::of(Cluster::shared().create_database())
    }

    /// An existing database.
    pub(crate) fn of(url: DatabaseUrl) -> Self {
        statements::record();

        Self {
            url,
            _directory: None,
        }
    }

    pub(crate) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Opens a store. There can be several.
    pub(crate) fn open(&self) -> Store {
        Store::open(&StoreOptions::new(self.url.clone())).expect("a store")
    }

    /// Creates the schema and opens a store.
    pub(crate) fn store(&self) -> Store {
        self.store_with(|_| ())
    }

    /// Like [`Database::store`], with other options.
    pub(crate) fn store_with(&self, adjust: impl FnOnce(&mut StoreOptions)) -> Store {
        let mut options = StoreOptions::new(self.url.clone());
        adjust(&mut options);
        let store = Store::open(&options).expect("a store");
        store.migrate().expect("a fresh database takes the schema");
        store
    }
}

/// Whether the database answers a query.
pub(crate) async fn ping(store: &Store) -> Result<(), StoreError> {
    store
        .read(|connection| connection.batch_execute("SELECT 1"))
        .await
}

/// Makes two tests of each async function that takes a [`Database`]: one in the module `sqlite`, one
/// in `postgres`.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::support::databases::Database::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::support::databases::Database::postgres()).await;
            })+
        }
    };
}

pub(crate) use on_both_databases;
