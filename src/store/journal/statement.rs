//! The SQL of a change. The text is the same for both databases but for where the values stand (see
//! [`Values`]), and does not depend on the values or their number: it is prepared once for each
//! connection. (diesel's own update statements are never kept prepared, and preparing one takes
//! longer than running it.)

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

use super::action::{Action, Change, Update};
use super::values::{Values, push, push_list, push_names};
use crate::store::epochs::join_epochs;

/// The statement of changes of kind `C`, with their values `V`. From PostgreSQL it may return rows
/// `R`: the keys of claims, or the ordinals of updates, that were carried out.
pub(super) struct Statement<C, V, R> {
    values: V,
    kind: PhantomData<(C, R)>,
}

impl<C, V, R> Statement<C, V, R> {
    pub(super) const fn new(values: V) -> Self {
        let kind = PhantomData;
        Self { values, kind }
    }
}

impl<C: Change, V: Values<DB>, R, DB: Backend> QueryFragment<DB> for Statement<C, V, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let text = Text::<C, V, DB>::new(&self.values);

        match &C::ACTION {
            Action::Insert => text.insert(&mut out),
            Action::InsertUnderEpochs => text.insert_under_epochs(&mut out),
            Action::Claim { over } => text.claim(*over, &mut out),
            Action::Update(update) => text.update(update, &mut out),
        }
    }
}

impl<C: 'static, V, R: 'static> QueryId for Statement<C, V, R> {
    type QueryId = Statement<C, (), R>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C, V, R> Query for Statement<C, V, R> {
    type SqlType = R;
}

impl<C, V, R, Connection> RunQueryDsl<Connection> for Statement<C, V, R> {}

/// Writes the text, with the values where they belong.
struct Text<'b, C, V, DB> {
    values: &'b V,
    kind: PhantomData<(C, DB)>,
}

impl<'b, C: Change, V: Values<DB>, DB: Backend> Text<'b, C, V, DB> {
    const fn new(values: &'b V) -> Self {
        let kind = PhantomData;
        Self { values, kind }
    }

    fn insert(&self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        push(out, &["INSERT INTO ", C::TABLE, " AS t ("]);
        push_names(out, C::FIELDS);

        if V::IN_PLACE {
            push(out, &[") VALUES ("]);
            self.push_fields(out)?;
            push(out, &[")"]);
            Ok(())
        } else {
            push(out, &[") SELECT "]);
            self.push_fields(out)?;
            self.push_from(out)
        }
    }

    /// The epochs are read by the statement that adds the row, so that none is missed that was
    /// raised meanwhile.
    fn insert_under_epochs(&self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        push(out, &["INSERT INTO ", C::TABLE, " ("]);
        push_names(out, C::FIELDS);
        push(out, &[", client_epoch, resource_epoch) SELECT "]);

        for field in C::FIELDS {
            push(out, &["u.", field, ", "]);
        }

        push(out, &["COALESCE(c.epoch, 0), COALESCE(r.epoch, 0)"]);
        self.push_from(out)?;
        push(out, &[join_epochs!("u")]);

        Ok(())
    }

    fn claim(&self, over: Option<&str>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.insert(out)?;
        push(out, &[" ON CONFLICT ("]);
        push_names(out, C::KEY);

        match over {
            None => push(out, &[") DO NOTHING"]),
            Some(condition) => {
                push(out, &[") DO UPDATE SET "]);
                let replaced = C::FIELDS.iter().filter(|field| !C::KEY.contains(field));
                push_list(out, replaced, |out, field| {
                    push(out, &[field, " = excluded.", field]);
                    Ok(())
                })?;

                push(out, &[" WHERE ", condition]);
            }
        }

        if !V::IN_PLACE {
            push(out, &[" RETURNING "]);
            push_names(out, C::KEY);
        }

        Ok(())
    }

    fn update(&self, update: &Update, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        push(out, &["UPDATE ", C::TABLE, " AS t SET "]);
        self.push_assignments(update, out)?;

        if !V::IN_PLACE {
            self.push_from(out)?;
        }

        let mut word = " WHERE t.";
        for field in C::KEY {
            push(out, &[word, field, " = "]);
            self.values.push_field(field, out)?;
            word = " AND t.";
        }

        if let Some((comparison, field)) = update.guard {
            push(out, &[" AND ", comparison, " "]);
            self.values.push_field(field, out)?;
            if !V::IN_PLACE {
                // A number of rows would not tell which of them were refused.
                push(out, &[" RETURNING u.ordinal"]);
            }
        }

        Ok(())
    }

    fn push_assignments(&self, update: &Update, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut separator = "";
        for assignment in update.computed {
            push(out, &[separator, assignment]);
            separator = ", ";
        }

        for field in update.set {
            push(out, &[separator, field, " = "]);
            self.values.push_field(field, out)?;
            separator = ", ";
        }

        for field in update.set_unless_null {
            push(out, &[separator, field, " = COALESCE("]);
            self.values.push_field(field, out)?;
            push(out, &[", t.", field, ")"]);
            separator = ", ";
        }

        Ok(())
    }

    fn push_fields(&self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        push_list(out, C::FIELDS, |out, field| {
            self.values.push_field(field, out)
        })
    }

    fn push_from(&self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        push(out, &[" FROM "]);
        self.values.push_source(out)
    }
}
