//! Rows as they are in the database: plain data, one file for each group of tables. What the values
//! mean is up to the features. The rows that the [journal](crate::store::journal) writes are
//! declared by `row!`, whose list of fields is the list of their columns everywhere.

mod authorizations;
mod callbacks;
mod devices;
mod events;
mod idempotency;
mod ids;
mod live_tokens;
mod prompts;
mod settings;
mod signing_keys;
mod tokens;
mod transactions;

pub use authorizations::{
    AuthorizationRow, ConsentRow, DeviceCodeAnswer, DeviceCodeRow, LoginSessionRow,
    PushedRequestRow,
};
pub use callbacks::{CallbackOutcome, CallbackRow, callback_state};
pub use devices::{
    AuthenticatorRow, DeviceRow, EnrolmentRow, PushAddressRow, PushEnrolmentRow, PushTargetRow,
};
pub use events::EventRow;
pub use idempotency::IdempotencyRow;
pub use ids::IdBytes;
pub use live_tokens::{
    AuthenticationColumns, ListedAccessTokenRow, ListedGrantRow, LiveAccessToken, LiveRefreshToken,
    PortalTokenRow,
};
pub use prompts::PromptRow;
pub use settings::SettingRow;
pub use signing_keys::SigningKeyRow;
pub use tokens::{AccessTokenRow, AssertionIdRow, GrantRow, RefreshTokenRow};
pub use transactions::{AskedRow, ResultRow, TransactionRow};
