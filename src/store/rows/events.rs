use diesel::prelude::*;

use super::ids::IdBytes;
use crate::store::record::row;

row! {
    /// An entry of the audit log.
    #[derive(Insertable)]
    pub struct EventRow in events (id) {
        pub id: IdBytes,
        pub occurred_at: i64,
        pub event_type: String,
        pub client_id: Option<String>,
        pub user_id: Option<String>,
        pub device_id: Option<String>,
        pub transaction_id: Option<IdBytes>,
    }
}
