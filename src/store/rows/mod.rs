//! Rows as the database has them: plain data, one file for each group of tables. What a value means
//! is the features' matter.

mod authorizations;
mod callbacks;
mod devices;
mod events;
mod idempotency;
mod settings;
mod signing_keys;
mod tokens;
mod transactions;

pub use authorizations::{
    AuthorizationRow, AuthorizationStep, CodeRedemption, ConsentRow, DeviceCodeAnswer,
    DeviceCodeRow, LoginSessionRow, PushedRequestRow,
};
pub use callbacks::{CallbackOutcome, CallbackRow, callback_state};
pub use devices::{
    AuthenticatorKey, AuthenticatorRow, AuthenticatorTry, DeviceRow, EnrolmentRow, PushAddressRow,
    PushEnrolmentRow,
};
pub use events::EventRow;
pub use idempotency::IdempotencyRow;
pub use settings::SettingRow;
pub use signing_keys::SigningKeyRow;
pub use tokens::{
    AccessTokenRow, AssertionIdRow, AuthenticationColumns, GrantRow, ListedAccessTokenRow,
    ListedGrantRow, LiveAccessToken, LiveRefreshToken, PortalTokenRow, RefreshRotation,
    RefreshTokenRow,
};
pub use transactions::{TransactionRow, TransactionUpdate};

/// An id in 16 bytes, as stored.
pub type IdBytes = Vec<u8>;
