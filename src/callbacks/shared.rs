//! What the facade and the worker share.

use tokio::sync::Notify;

use super::client::CallbackClient;
use super::types::CallbackLimits;
use crate::base::Base;

pub(super) struct Shared {
    pub(super) base: Base,
    pub(super) client: CallbackClient,
    pub(super) limits: CallbackLimits,
    /// Tells the worker that there may be new rows.
    pub(super) wake: Notify,
}
