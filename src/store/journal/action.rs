//! How a kind of change is described: once, for both databases.

use crate::store::record::Record;

/// A kind of change: what it does to the row of its key.
pub(in crate::store) trait Change: Record {
    const ACTION: Action;
}

/// What a change does. In pieces of SQL, `t` is the row.
pub(in crate::store) enum Action {
    /// Adds the row.
    Insert,
    /// Adds the row, and with it the epochs that are in force.
    InsertUnderEpochs,
    /// Adds the row unless its key is taken. A row on which `over` holds does not count; it is
    /// replaced.
    Claim { over: Option<&'static str> },
    /// Changes the row that is there.
    Update(Update),
}

/// What an update does.
pub(in crate::store) struct Update {
    /// The row is changed only if this comparison with this field holds.
    pub(in crate::store) guard: Option<(&'static str, &'static str)>,
    /// Assignments that take no field.
    pub(in crate::store) computed: &'static [&'static str],
    /// Columns that get the field of the same name.
    pub(in crate::store) set: &'static [&'static str],
    /// Columns that get the field of the same name, unless that is null.
    pub(in crate::store) set_unless_null: &'static [&'static str],
}

impl Action {
    /// Whether the change may turn out to be refused by the row that is there. The other kinds are
    /// written, or fail.
    pub(super) const fn is_conditional(&self) -> bool {
        match self {
            Self::Insert | Self::InsertUnderEpochs => false,
            Self::Claim { .. } => true,
            Self::Update(update) => update.guard.is_some(),
        }
    }
}

/// Declares an update: a struct whose fields are grouped by what they are for.
///
/// - `key`: identifies the row; named as the columns.
/// - `guard "t.column =" { field }`: the row is changed only if the comparison holds.
/// - `change "column = …"`: an assignment that takes no field.
/// - `set`: columns that get the field of the same name.
/// - `set_unless_null`: the same, but null leaves the column as it is.
macro_rules! update {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident of $table:ident {
            key { $($key:ident: $key_type:ty),+ $(,)? }
            $(guard $comparison:literal {
                $(#[$expected_doc:meta])* $expected:ident: $expected_type:ty $(,)?
            })?
            $(change $computed:literal)*
            $(set { $($(#[$set_doc:meta])* $set:ident: $set_type:ty),+ $(,)? })?
            $(set_unless_null { $($kept:ident: $kept_type:ty),+ $(,)? })?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $(pub $key: $key_type,)+
            $($(#[$expected_doc])* pub $expected: $expected_type,)?
            $($($(#[$set_doc])* pub $set: $set_type,)+)?
            $($(pub $kept: $kept_type,)+)?
        }

        $crate::store::record::record!($name in $table ($($key),+) {
            $($key: $key_type,)+
            $($expected: $expected_type,)?
            $($($set: $set_type,)+)?
            $($($kept: $kept_type,)+)?
        });

        impl $crate::store::journal::action::Change for $name {
            const ACTION: $crate::store::journal::action::Action =
                $crate::store::journal::action::Action::Update(
                    $crate::store::journal::action::Update {
                        guard: update!(@guard $($comparison, $expected)?),
                        computed: &[$($computed),*],
                        set: &[$($(stringify!($set)),+)?],
                        set_unless_null: &[$($(stringify!($kept)),+)?],
                    },
                );
        }
    };
    (@guard) => { None };
    (@guard $comparison:literal, $field:ident) => { Some(($comparison, stringify!($field))) };
}

pub(super) use update;
