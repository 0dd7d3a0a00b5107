use super::ids::IdBytes;
use crate::store::record::row;

row! {
    /// A push that asked a user on a device.
    pub struct PromptRow in prompts (id) {
        pub id: IdBytes,
        pub device_id: String,
        pub user_id: String,
        /// The website that asked.
        pub client_id: String,
        pub prompted_at: i64,
    }
}
