//! Structs whose fields are the parameters of a statement.
//!
//! A struct is declared once, by [`row!`] or by the journal's `update!`; its list of fields is the
//! only list of its columns. Both databases get the fields from [`Record`]: PostgreSQL gets many
//! records at once, each field as one array for `unnest`; SQLite, where no round trip can be saved,
//! gets one record at a time.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text};
use diesel::sqlite::Sqlite;

/// A type that a field may have, and how it is bound.
pub(in crate::store) trait Field: Sized + 'static {
    /// Binds the field of one record.
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()>;

    /// Binds the field of many records as one array.
    fn bind_array<'b>(fields: &'b [&'b Self], out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

macro_rules! fields {
    ($($rust:ty => $sql:ty),* $(,)?) => {
        $(fields!(@one $rust, $sql);
        fields!(@one Option<$rust>, Nullable<$sql>);)*
    };
    (@one $rust:ty, $sql:ty) => {
        impl Field for $rust {
            fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                out.push_bind_param::<$sql, _>(self)
            }

            fn bind_array<'b>(
                fields: &'b [&'b Self],
                out: &mut AstPass<'_, 'b, Pg>,
            ) -> QueryResult<()> {
                out.push_bind_param::<Array<$sql>, _>(fields)
            }
        }
    };
}

fields!(
    bool => Bool,
    i16 => SmallInt,
    i32 => Integer,
    i64 => BigInt,
    String => Text,
    Vec<u8> => Binary,
    [u8; 16] => Binary,
);

/// One field of many records.
pub(in crate::store) trait Column {
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

impl<F: Field> Column for Vec<&F> {
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        F::bind_array(self, out)
    }
}

/// The values of a record's key columns, as many as there are.
pub(in crate::store) type Key<'a> = [&'a [u8]; 3];

/// A struct whose fields are parameters, and the row of a table that it is or changes.
pub(in crate::store) trait Record: 'static {
    const TABLE: &'static str;
    /// The names of the fields, in order.
    const FIELDS: &'static [&'static str];
    /// The fields that identify the row; the table's columns have the same names.
    const KEY: &'static [&'static str];

    fn key(&self) -> Key<'_>;

    /// The fields of many records, in order.
    fn columns<'a>(records: &[&'a Self]) -> Vec<Box<dyn Column + 'a>>;

    /// Binds the field of this name.
    fn bind<'b>(&'b self, field: &str, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()>;
}

/// Implements [`Record`] for a struct, given its table, its key and all its fields.
macro_rules! record {
    ($name:ident in $table:ident ($($key:ident),+) { $($field:ident: $type:ty),+ $(,)? }) => {
        impl $crate::store::record::Record for $name {
            const TABLE: &'static str = stringify!($table);
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];
            const KEY: &'static [&'static str] = &[$(stringify!($key)),+];

            fn key(&self) -> $crate::store::record::Key<'_> {
                let mut key = $crate::store::record::Key::default();
                let values: &[&[u8]] = &[$(self.$key.as_ref()),+];
                for (place, value) in key.iter_mut().zip(values) {
                    *place = value;
                }
                key
            }

            fn columns<'a>(
                records: &[&'a Self],
            ) -> Vec<Box<dyn $crate::store::record::Column + 'a>> {
                vec![$(Box::new(
                    records.iter().map(|record| &record.$field).collect::<Vec<&'a $type>>(),
                )),+]
            }

            fn bind<'b>(
                &'b self,
                field: &str,
                out: &mut diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                match field {
                    $(stringify!($field) => {
                        <$type as $crate::store::record::Field>::bind(&self.$field, out)
                    })+
                    other => Err($crate::store::record::no_such_field(other)),
                }
            }
        }
    };
}

/// Declares the struct of a table's row. Its fields are the table's columns, those in parentheses
/// the key. Further derives stand before the struct as usual.
macro_rules! row {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident in $table:ident ($($key:ident),+) {
            $($(#[$doc:meta])* pub $field:ident: $type:ty,)+
        }
    ) => {
        #[derive(Clone, Debug, Default, PartialEq, Eq, diesel::Queryable, diesel::Selectable)]
        $(#[$attribute])*
        #[diesel(table_name = crate::store::schema::$table, treat_none_as_default_value = false)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)+
        }

        $crate::store::record::record!($name in $table ($($key),+) { $($field: $type),+ });
    };
}

pub(in crate::store) fn no_such_field(name: &str) -> diesel::result::Error {
    diesel::result::Error::QueryBuilderError(format!("there is no field {name}").into())
}

pub(in crate::store) use {record, row};
