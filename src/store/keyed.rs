//! Lookups of rows by a list of ids, written once for both databases and kept prepared.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::LoadQuery;
use diesel::sql_types::{Array, Binary, Text};
use diesel::sqlite::Sqlite;
use diesel::{PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use super::connection::Connection;
use super::rows::IdBytes;

/// What rows are looked up by.
pub(super) trait Id: Sized + 'static {
    /// Binds all ids as one array.
    fn bind_all<'b>(ids: &'b [Self], out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;

    /// Binds one id.
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()>;
}

macro_rules! id {
    ($rust:ty, $sql:ty) => {
        impl Id for $rust {
            fn bind_all<'b>(ids: &'b [Self], out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_bind_param::<Array<$sql>, _>(ids)
            }

            fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                out.push_bind_param::<$sql, _>(self)
            }
        }
    };
}

id!(IdBytes, Binary);
id!(String, Text);

/// A lookup joins the ids, which are the rows of `k (id)`, with what is wanted of them.
pub(super) trait Lookup: 'static {
    type Id: Id;
    /// The types of the selected columns.
    type Columns;
    /// The selected columns: names, and the alias of their table.
    const SELECT: &'static [(&'static str, &'static [&'static str])];
    /// What follows `FROM … AS k`.
    const JOINS: &'static str;
    /// The same for SQLite, where it must differ.
    const SQLITE_JOINS: &'static str = Self::JOINS;
}

/// Finds the rows of these ids, in any order. PostgreSQL gets all ids as one array; SQLite, where
/// no round trip can be saved, gets one id after the other.
pub(super) fn look_up<L, T>(connection: &mut Connection, ids: &[L::Id]) -> QueryResult<Vec<T>>
where
    L: Lookup,
    for<'i> Statement<L, &'i [L::Id]>: LoadQuery<'i, PgConnection, T>,
    for<'i> Statement<L, &'i L::Id>: LoadQuery<'i, SqliteConnection, T>,
{
    match connection {
        // One array, whatever the number of ids: the text stays the same, and so does the prepared
        // statement.
        Connection::Postgres(connection) => Statement::<L, _>::of(ids).load(connection),
        Connection::Sqlite(connection) => {
            let mut rows = Vec::with_capacity(ids.len());
            // One statement for each id is always the same text, which stays prepared.
            for id in ids {
                rows.extend(Statement::<L, _>::of(id).load(connection)?);
            }
            Ok(rows)
        }
    }
}

/// The statement of a lookup, with the ids `I`.
pub(super) struct Statement<L, I> {
    ids: I,
    lookup: PhantomData<L>,
}

impl<L, I> Statement<L, I> {
    const fn of(ids: I) -> Self {
        let lookup = PhantomData;
        Self { ids, lookup }
    }
}

impl<L: Lookup> QueryFragment<Pg> for Statement<L, &[L::Id]> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_select::<L, _>(&mut out);
        out.push_sql(" FROM unnest(");
        L::Id::bind_all(self.ids, &mut out)?;
        out.push_sql(") AS k (id)");
        out.push_sql(L::JOINS);

        Ok(())
    }
}

impl<L: Lookup> QueryFragment<Sqlite> for Statement<L, &L::Id> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        push_select::<L, _>(&mut out);
        out.push_sql(" FROM (SELECT ");
        self.ids.bind(&mut out)?;
        out.push_sql(" AS id) AS k");
        out.push_sql(L::SQLITE_JOINS);

        Ok(())
    }
}

fn push_select<L: Lookup, DB: Backend>(out: &mut AstPass<'_, '_, DB>) {
    let mut word = "SELECT ";
    for (alias, names) in L::SELECT {
        for name in *names {
            for piece in [word, alias, ".", name] {
                out.push_sql(piece);
            }
            word = ", ";
        }
    }
}

impl<L: 'static, I> QueryId for Statement<L, I> {
    type QueryId = Statement<L, ()>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<L: Lookup, I> Query for Statement<L, I> {
    type SqlType = L::Columns;
}

impl<L, I, C> RunQueryDsl<C> for Statement<L, I> {}
