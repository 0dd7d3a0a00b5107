//! Statements that find rows by a list of keys, spelled out once for both databases and kept
//! prepared.

/// Declares a statement that joins a list of keys `k (key)` with what is wanted of them. PostgreSQL
/// gets all keys as one array; SQLite one key after the other, because there is no way to a server
/// to be saved.
macro_rules! keyed_statement {
    (
        $(#[$doc:meta])*
        $name:ident by $key:ty as $sql:ty: $select:expr, $joins:expr => $row:ty as $returning:ty
    ) => {
        $(#[$doc])*
        struct $name<T>(T);

        impl $name<()> {
            fn load(connection: &mut crate::store::Connection, keys: &[$key]) -> diesel::QueryResult<Vec<$row>> {
                match connection {
                    crate::store::Connection::Postgres(connection) => $name(keys).load(connection),
                    crate::store::Connection::Sqlite(connection) => {
                        let mut rows = Vec::with_capacity(keys.len());
                        for key in keys {
                            rows.extend($name(key).load::<$row>(connection)?);
                        }
                        Ok(rows)
                    }
                }
            }
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name<&[$key]> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                out.push_sql(concat!($select, " FROM unnest("));
                out.push_bind_param::<diesel::sql_types::Array<$sql>, _>(&self.0)?;
                out.push_sql(concat!(") AS k (key)", $joins));
                Ok(())
            }
        }

        impl diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for $name<&$key> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                out.push_sql(concat!($select, " FROM (SELECT "));
                out.push_bind_param::<$sql, _>(self.0)?;
                out.push_sql(concat!(" AS key) AS k", $joins));
                Ok(())
            }
        }

        impl<T> diesel::query_builder::QueryId for $name<T> {
            type QueryId = $name<()>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl<T> diesel::query_builder::Query for $name<T> {
            type SqlType = $returning;
        }

        impl<T> diesel::RunQueryDsl<diesel::PgConnection> for $name<T> {}
        impl<T> diesel::RunQueryDsl<diesel::SqliteConnection> for $name<T> {}
    };
}

pub(super) use keyed_statement;
