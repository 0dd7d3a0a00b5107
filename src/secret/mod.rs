//! Secret text, and the keys derived from the master key.
//!
//! The master key is not in the database. HMAC with a label for each purpose derives from it the keys
//! that seal what must be read again (provider credentials, message texts, phone numbers) and the
//! keys that hash what must only be recognized (tokens). So a stolen database reveals neither.

mod hash;
mod keyring;
mod opaque;
mod text;

pub use hash::{constant_time_eq, sha256, stretch};
pub use keyring::{InvalidMasterKey, Keyring, Purpose, UnsealError};
pub use opaque::{OpaqueToken, TokenHash, TokenKind};
pub use text::SecretString;
