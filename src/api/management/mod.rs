//! The management listener: administrators, health, metrics, the API described.

pub(crate) mod callbacks;
pub(crate) mod devices;
pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod revocation;
pub(crate) mod users;

pub(crate) use callbacks::{callbacks, replay_callback};
pub(crate) use devices::{delete_device, disconnect};
pub(crate) use docs::{docs, openapi, pages};
pub(crate) use health::{livez, metrics, readyz};
pub(crate) use revocation::{revoke_client_tokens, revoke_resource_server_tokens};
pub(crate) use users::{disable_user, enable_user, password_changed, rename_user};
