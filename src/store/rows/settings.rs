use diesel::prelude::*;

use crate::store::schema::settings;

/// A configured object, as a JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = settings, treat_none_as_default_value = false)]
pub struct SettingRow {
    pub kind: String,
    pub name: String,
    pub body: String,
    pub version: i64,
    pub updated_at: i64,
}
