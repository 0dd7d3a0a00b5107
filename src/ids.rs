//! Identifiers. Each kind is a type, which is validated when it is created.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::random::{self, Random};

/// Why a text is not an identifier. Completes a sentence about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    #[error("must not be empty")]
    Empty,
    #[error("must not be longer than {TEXT_ID_BYTES_MAX} bytes")]
    TooLong,
    #[error("must not contain control characters")]
    ControlCharacter,
    #[error("is not of the expected form")]
    Malformed,
}

/// The longest textual identifier, in bytes of UTF-8.
pub const TEXT_ID_BYTES_MAX: usize = 255;

/// A new UUID version 7 (RFC 9562 §5.7). It is ordered by time and has 74 random bits.
#[must_use]
pub fn uuid_v7(now: Timestamp, random: &dyn Random) -> Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random::bytes(random)).into_uuid()
}

/// Parses a hyphenated UUID. Other notations are refused, so that an id has only one spelling except
/// for the case of its letters.
pub(crate) fn parse_uuid(text: &str) -> Result<Uuid, InvalidId> {
    if text.len() != 36 {
        return Err(InvalidId::Malformed);
    }
    Uuid::try_parse(text).map_err(|_| InvalidId::Malformed)
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one, ordered by time.
            #[must_use]
            pub fn new(now: Timestamp, random: &dyn Random) -> Self {
                Self(uuid_v7(now, random))
            }

            /// From the 16 bytes it is stored as.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// From a column; `None` where that does not hold 16 bytes.
            #[must_use]
            pub fn from_column(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }

            /// The 16 bytes it is stored as.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// As a column holds it.
            #[must_use]
            pub fn to_column(self) -> Vec<u8> {
                self.as_bytes().to_vec()
            }

            /// As it goes on the wire.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

uuid_id! {
    /// Identifies a mobile authentication transaction.
    TransactionId
}
uuid_id! {
    /// Identifies a grant: one login of one user at one client.
    GrantId
}
uuid_id! {
    /// Identifies a family of refresh tokens.
    RefreshFamilyId
}
uuid_id! {
    /// Identifies an access token: the `jti` of a JWT.
    AccessTokenId
}
uuid_id! {
    /// Identifies a client's request for a user to be logged in.
    AuthorizationId
}
uuid_id! {
    /// Identifies the code that an appliance polls with (RFC 8628).
    DeviceCodeId
}
uuid_id! {
    /// Identifies what a user has allowed a client.
    ConsentId
}
uuid_id! {
    /// Identifies a login that a browser remembers.
    LoginSessionId
}

impl FromStr for TransactionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        parse_uuid(text).map(Self)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// # Errors
            ///
            /// The text must have 1 to [`TEXT_ID_BYTES_MAX`] bytes and no control characters.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                check_text(text)?;
                Ok(Self(text.into()))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(&text)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    };
}

text_id! {
    /// Identifies a user. Websites and the login page choose it; the server has no directory of
    /// users.
    UserId
}
text_id! {
    /// The `client_id` of an API client or a web client.
    ClientId
}
text_id! {
    /// Identifies a device of a mobile application. It is also its OAuth `client_id`.
    DeviceId
}
text_id! {
    /// Identifies a mobile application.
    ApplicationId
}

fn check_text(text: &str) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }

    if text.len() > TEXT_ID_BYTES_MAX {
        return Err(InvalidId::TooLong);
    }

    if text.chars().any(char::is_control) {
        return Err(InvalidId::ControlCharacter);
    }

    Ok(())
}

/// Identifies a user on a device: six characters of `A`–`Z`, `0`–`9`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileId([u8; 6]);

impl ProfileId {
    /// A random id. The caller must make sure that the device does not have it yet.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder is below the alphabet's length"
    )]
    pub fn new(random: &dyn Random) -> Self {
        // Without characters that look alike.
        const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

        Self(random::bytes::<6>(random).map(|byte| ALPHABET[usize::from(byte % 32)]))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProfileId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let bytes: [u8; 6] = text
            .as_bytes()
            .try_into()
            .map_err(|_| InvalidId::Malformed)?;
        let valid = bytes
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if valid {
            Ok(Self(bytes))
        } else {
            Err(InvalidId::Malformed)
        }
    }
}

impl TryFrom<String> for ProfileId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<ProfileId> for String {
    fn from(id: ProfileId) -> Self {
        id.as_str().to_owned()
    }
}
