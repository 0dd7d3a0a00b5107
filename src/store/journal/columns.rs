//! Many rows as one array for each column: what `unnest` takes, so that PostgreSQL gets one
//! statement for a whole batch.

use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text};

/// A field of a row that can be sent as an element of an array.
pub(super) trait Element {
    /// Its type in the database.
    type Sql;
    /// What is sent: borrowed, not copied.
    type Bound<'a>
    where
        Self: 'a;

    fn bound(&self) -> Self::Bound<'_>;
}

macro_rules! copied {
    ($($rust:ty => $sql:ty),*) => {
        $(impl Element for $rust {
            type Sql = $sql;
            type Bound<'a> = $rust;

            fn bound(&self) -> $rust {
                *self
            }
        })*
    };
}

copied!(i16 => SmallInt, i32 => Integer, i64 => BigInt, bool => Bool);

impl Element for String {
    type Sql = Text;
    type Bound<'a> = &'a str;

    fn bound(&self) -> &str {
        self
    }
}

impl Element for Vec<u8> {
    type Sql = Binary;
    type Bound<'a> = &'a [u8];

    fn bound(&self) -> &[u8] {
        self
    }
}

impl Element for [u8; 16] {
    type Sql = Binary;
    type Bound<'a> = &'a [u8];

    fn bound(&self) -> &[u8] {
        self
    }
}

impl<T: Element> Element for Option<T> {
    type Sql = Nullable<T::Sql>;
    type Bound<'a>
        = Option<T::Bound<'a>>
    where
        T: 'a;

    fn bound(&self) -> Option<T::Bound<'_>> {
        self.as_ref().map(T::bound)
    }
}

/// Declares a statement over many rows: a struct with an array for each named field, bound in that
/// order between the two pieces of SQL. Its text does not depend on the rows, so that it is
/// prepared once for each connection.
macro_rules! set_statement {
    (
        $(#[$doc:meta])*
        $name:ident over $row:ty: $before:expr, $after:expr $(=> $returning:ty)?;
        { $($field:ident: $rust:ty),* $(,)? }
    ) => {
        $(#[$doc])*
        pub(super) struct $name<'a> {
            $($field: Vec<<$rust as Element>::Bound<'a>>,)*
        }

        impl<'a> $name<'a> {
            pub(super) fn new(rows: &[&'a $row]) -> Self {
                Self { $($field: rows.iter().map(|row| Element::bound(&row.$field)).collect(),)* }
            }
        }

        impl QueryFragment<Pg> for $name<'_> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql($before);
                let mut separator = "unnest(";
                $(
                    out.push_sql(separator);
                    out.push_bind_param::<Array<<$rust as Element>::Sql>, _>(&self.$field)?;
                    separator = ", ";
                )*
                let _ = separator;
                out.push_sql(")");
                out.push_sql($after);
                Ok(())
            }
        }

        impl QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl RunQueryDsl<PgConnection> for $name<'_> {}

        $(impl Query for $name<'_> {
            type SqlType = $returning;
        })?
    };
}

/// Declares a statement about one row for SQLite: the named fields stand as `SELECT ? AS field, …`
/// between the two pieces of SQL. Spelled out, because diesel's own statements of more than an
/// insert are never kept prepared, and preparing one takes longer than running it.
macro_rules! row_statement {
    (
        $(#[$doc:meta])*
        $name:ident over $row:ty: $before:expr, $after:expr;
        { $($field:ident: $rust:ty),* $(,)? }
    ) => {
        $(#[$doc])*
        struct $name<'a> {
            $($field: <$rust as Element>::Bound<'a>,)*
        }

        impl<'a> $name<'a> {
            fn new(row: &'a $row) -> Self {
                Self { $($field: Element::bound(&row.$field),)* }
            }
        }

        impl QueryFragment<Sqlite> for $name<'_> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                out.push_sql($before);
                let mut separator = "SELECT ";
                $(
                    out.push_sql(separator);
                    out.push_bind_param::<<$rust as Element>::Sql, _>(&self.$field)?;
                    out.push_sql(concat!(" AS ", stringify!($field)));
                    separator = ", ";
                )*
                let _ = separator;
                out.push_sql($after);
                Ok(())
            }
        }

        impl QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl RunQueryDsl<SqliteConnection> for $name<'_> {}
    };
}

/// The epochs that a grant or token `u` is made under, as read in the statement that makes it.
macro_rules! epochs_of_u {
    () => {
        " LEFT JOIN token_epochs AS c \
            ON c.kind = CASE WHEN u.application_id IS NULL THEN 'client' ELSE 'application' END \
            AND c.name = COALESCE(u.application_id, u.client_id) \
          LEFT JOIN token_epochs AS r ON r.kind = 'resource_server' AND r.name = u.resource_server"
    };
}

/// The beginning of the insert of grants.
macro_rules! insert_grants {
    () => {
        "INSERT INTO grants (id, client_id, application_id, user_id, scope, resource_server, amr, acr, auth_time, \
           created_at, expires_at, client_epoch, resource_epoch) \
         SELECT u.*, COALESCE(c.epoch, 0), COALESCE(r.epoch, 0) FROM "
    };
}

/// The beginning of the insert of access tokens.
macro_rules! insert_access_tokens {
    () => {
        "INSERT INTO access_tokens (id, token_hash, grant_id, client_id, application_id, user_id, scope, \
           resource_server, jkt, signing_algorithm, issued_at, expires_at, client_epoch, resource_epoch) \
         SELECT u.*, COALESCE(c.epoch, 0), COALESCE(r.epoch, 0) FROM "
    };
}

pub(super) use {epochs_of_u, insert_access_tokens, insert_grants, row_statement, set_statement};
