//! The server's own settings: its addresses, its database, its bounds. They are read once, at
//! start-up.
//!
//! They come in three layers, and a later layer overrides an earlier one: the defaults, which are
//! enough to try the server out; the file given with `--config`; the variables
//! `COUNTERSIGN_SECTION__KEY`. A secret can also be read from a file that
//! `COUNTERSIGN_SECTION__KEY_FILE` names. An unknown key in any layer stops the start: a misspelt
//! bound must not silently be the default.
//!
//! What administrators configure while the server runs is in [`crate::settings`].

mod error;
mod load;
mod log_filter;
mod masked;
mod master_key;
mod sections;
pub(crate) mod toml_text;
mod variables;

pub use error::ConfigError;
pub use load::Config;
pub use master_key::{MasterKeyError, MasterKeySource};
pub(crate) use sections::is_loopback;
pub use sections::{
    DatabaseConfig, DevelopmentConfig, LimitsConfig, LogFormat, LoginConfig, LogsConfig,
    PagesConfig, ProxyConfig, RetentionConfig, SecretsConfig, ServerConfig,
};
