use crate::ids::{AuthorizationId, DeviceCodeId};
use crate::oauth::model::Login;

/// What a user has agreed to, as a client may exchange it for tokens: a code of a redirect, or the
/// code of an appliance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Approval {
    pub(super) code: CodeId,
    pub(super) login: Login,
    pub(super) scope: String,
    pub(super) resource_server: Option<String>,
    /// For the ID token.
    pub(super) nonce: Option<String>,
}

/// Where the code is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeId {
    Authorization(AuthorizationId),
    Device(DeviceCodeId),
}
