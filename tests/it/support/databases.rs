//! A test written once runs on both databases.

use countersign::store::{DatabaseUrl, Store, StoreOptions};

use super::postgres::Cluster;
use super::temporary::TemporaryDirectory;

/// A fresh database, and what goes away with it.
pub(crate) struct Database {
    url: DatabaseUrl,
    _directory: Option<TemporaryDirectory>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let directory = TemporaryDirectory::new();
        Self {
            url: DatabaseUrl::Sqlite(directory.path().join("test.db")),
            _directory: Some(directory),
        }
    }

    pub(crate) fn postgres() -> Self {
        Self::of(Cluster::shared().create_database())
    }

    /// One that somebody else made.
    pub(crate) fn of(url: DatabaseUrl) -> Self {
        Self {
            url,
            _directory: None,
        }
    }

    pub(crate) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Opens a store on it, with as many other stores as the test likes beside it.
    pub(crate) fn open(&self) -> Store {
        Store::open(&StoreOptions::new(self.url.clone())).expect("a store")
    }

    /// Opens a store on it with the schema made.
    pub(crate) fn store(&self) -> Store {
        self.store_with(|_| ())
    }

    /// The same, opened in another way than usual.
    pub(crate) fn store_with(&self, adjust: impl FnOnce(&mut StoreOptions)) -> Store {
        let mut options = StoreOptions::new(self.url.clone());
        adjust(&mut options);
        let store = Store::open(&options).expect("a store");
        store.migrate().expect("a fresh database takes the schema");
        store
    }
}

/// Makes two tests of each named async function, which takes a [`Database`]: one in a module
/// `sqlite`, one in `postgres`.
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
