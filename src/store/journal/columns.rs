//! Many rows as one array for each column: what `unnest` takes, so that PostgreSQL gets one statement for a whole batch.

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

/// Declares a statement over many rows: a struct with an array for each named field, bound in that order between the two
/// pieces of SQL. Its text does not depend on the rows, so that it is prepared once for each connection.
macro_rules! set_statement {
    (
        $(#[$doc:meta])*
        $name:ident over $row:ty: $before:literal, $after:literal $(=> $returning:ty)?;
        { $($field:ident: $rust:ty),* $(,)? }
    ) => {
        $(#[$doc])*
        struct $name<'a> {
            $($field: Vec<<$rust as Element>::Bound<'a>>,)*
        }

        impl<'a> $name<'a> {
            fn new(rows: &[&'a $row]) -> Self {
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

pub(super) use set_statement;
