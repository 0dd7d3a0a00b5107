//! Mobile authentication transactions: started by a website, answered by a phone or a code.

mod types;

pub use types::{
    AvailableDevice, AvailableType, Decision, FetchedTransaction, IdempotencyKey, PendingTransaction, PhoneError,
    Reason, StartRequest, Started, StartedDevice, Status, TransactionResult, WebsiteError,
};
