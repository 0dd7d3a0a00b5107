//! Tokens: which are alive, what they rest on, and how they end.

mod delete;
mod epochs;
mod find;
mod live;
mod portal;

pub use delete::{
    delete_access_token, delete_access_tokens_of_grant, delete_grant, delete_grants_of_client,
    delete_grants_of_user, delete_grants_of_user_at_application, delete_grants_of_user_at_client,
    delete_own_tokens_of_device, delete_refresh_token, delete_refresh_tokens_of_authenticator,
};
pub use epochs::{epoch_kind, raise_epoch};
pub use find::{
    count_refresh_tokens_of_grant, find_access_token, find_grant, find_refresh_token,
    find_refresh_token_of_grant, insert_refresh_token, lock_grant,
};
pub use live::{find_live_access_tokens, find_live_refresh_tokens};
pub use portal::list_tokens_of_user;
