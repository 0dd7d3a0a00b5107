use diesel::prelude::*;

use super::IdBytes;
use crate::store::schema::events;

/// Something that happened, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct EventRow {
    pub id: IdBytes,
    pub occurred_at: i64,
    pub event_type: String,
    pub client_id: Option<String>,
    pub user_id: Option<String>,
    pub device_id: Option<String>,
    pub transaction_id: Option<IdBytes>,
}
