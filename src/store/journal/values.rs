//! Where the values of a statement come from.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::sqlite::Sqlite;

use crate::store::record::{Column, Record};

/// The fields of one or many records, in the way of a database.
pub(super) trait Values<DB: Backend> {
    /// Whether a value stands where it is used. If not, it is read from the rows `u` of a source.
    const IN_PLACE: bool;

    /// Writes a field.
    fn push_field<'b>(
        &'b self,
        field: &'static str,
        out: &mut AstPass<'_, 'b, DB>,
    ) -> QueryResult<()>;

    /// Writes the source of the rows `u`.
    fn push_source<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

/// PostgreSQL: many records as the rows `u` of an `unnest` over one array for each field. Each row
/// has its `ordinal`, from 1 on.
pub(super) struct Arrays<'a, R> {
    columns: Vec<Box<dyn Column + 'a>>,
    records: PhantomData<&'a R>,
}

impl<'a, R: Record> Arrays<'a, R> {
    pub(super) fn of(records: &[&'a R]) -> Self {
        Self {
            columns: R::columns(records),
            records: PhantomData,
        }
    }
}

impl<R: Record> Values<Pg> for Arrays<'_, R> {
    const IN_PLACE: bool = false;

    fn push_field<'b>(
        &'b self,
        field: &'static str,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        push(out, &["u.", field]);
        Ok(())
    }

    fn push_source<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("unnest(");
        push_list(out, &self.columns, |out, column| column.bind(out))?;
        // By the ordinal the caller knows again which of the records were written.
        out.push_sql(") WITH ORDINALITY AS u (");
        push_names(out, R::FIELDS);
        out.push_sql(", ordinal)");

        Ok(())
    }
}

/// SQLite: one record, its fields in place.
pub(super) struct InPlace<'a, R>(pub(super) &'a R);

impl<R: Record> Values<Sqlite> for InPlace<'_, R> {
    const IN_PLACE: bool = true;

    fn push_field<'b>(
        &'b self,
        field: &'static str,
        out: &mut AstPass<'_, 'b, Sqlite>,
    ) -> QueryResult<()> {
        self.0.bind(field, out)
    }

    fn push_source<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(SELECT ");

        push_list(out, R::FIELDS, |out, field| {
            self.push_field(field, out)?;
            push(out, &[" AS ", field]);
            Ok(())
        })?;

        out.push_sql(") AS u");

        Ok(())
    }
}

/// Writes pieces of SQL.
pub(super) fn push<DB: Backend>(out: &mut AstPass<'_, '_, DB>, pieces: &[&str]) {
    for piece in pieces {
        out.push_sql(piece);
    }
}

/// Writes items with commas between them.
pub(super) fn push_list<'b, DB: Backend, T>(
    out: &mut AstPass<'_, 'b, DB>,
    items: impl IntoIterator<Item = T>,
    mut push_item: impl FnMut(&mut AstPass<'_, 'b, DB>, T) -> QueryResult<()>,
) -> QueryResult<()> {
    let mut separator = "";
    for item in items {
        out.push_sql(separator);
        push_item(out, item)?;
        separator = ", ";
    }

    Ok(())
}

/// Writes names with commas between them.
pub(super) fn push_names<DB: Backend>(out: &mut AstPass<'_, '_, DB>, names: &[&str]) {
    let mut separator = "";
    for name in names {
        push(out, &[separator, name]);
        separator = ", ";
    }
}
