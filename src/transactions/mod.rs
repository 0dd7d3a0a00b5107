//! Mobile authentication transactions: started by a website, answered by a device or a code.
//!
//! Each pending one is an actor around a pure state machine (`state`). It is found through a
//! directory, and restored from its row where none lives. Whatever is acknowledged is saved first,
//! and a version in the row decides between writers. In what one method of authentication differs
//! from another is said in `methods`, a file each.

mod actor;
mod answer;
mod content;
mod decide;
mod delivery;
mod device;
mod error;
mod facade;
mod idempotency;
mod messages;
mod methods;
mod owed;
mod persist;
mod policy;
mod recovery;
mod resend;
mod services;
mod start;
mod state;
mod text;
mod types;
mod website;

pub use error::{DeviceRequestError, WebsiteError};
pub use facade::{TransactionParts, Transactions};
pub use idempotency::Answer;
pub use methods::method_name;
pub use types::{
    AvailableDevice, AvailableType, Decision, FetchedTransaction, IdempotencyKey,
    PendingTransaction, Reason, StartRequest, Started, StartedDevice, Status, TransactionResult,
};
