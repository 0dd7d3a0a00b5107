//! The authenticators of a user on a device, and which of them an application allows.

use std::fmt;
use std::str::FromStr;

use crate::ids::InvalidId;
use crate::settings::Application;

/// The longest id of a custom authenticator, in bytes.
pub const CUSTOM_ID_BYTES_MAX: usize = 64;
const CUSTOM_PREFIX: &str = "custom:";

/// An authenticator that has a key of its own. (`device` has none: it stands for the device's key.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticatorName {
    /// `pin`: its key is derived from the PIN.
    Pin,
    /// `fingerprint`: its key is in secure hardware and is released by biometrics.
    Fingerprint,
    /// `custom:ID`: the application's own.
    Custom(String),
}

impl AuthenticatorName {
    /// Whether users of the application may enrol it and use it.
    #[must_use]
    pub fn is_allowed(&self, application: &Application) -> bool {
        match self {
            Self::Pin => application.pin.enabled,
            Self::Fingerprint => application.fingerprint.enabled,
            Self::Custom(id) => application.custom_authenticators.contains(id),
        }
    }
}

impl fmt::Display for AuthenticatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pin => f.write_str("pin"),
            Self::Fingerprint => f.write_str("fingerprint"),
            Self::Custom(id) => write!(f, "{CUSTOM_PREFIX}{id}"),
        }
    }
}

impl FromStr for AuthenticatorName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text {
            "pin" => Ok(Self::Pin),
            "fingerprint" => Ok(Self::Fingerprint),
            _ => {
                let id = text
                    .strip_prefix(CUSTOM_PREFIX)
                    .ok_or(InvalidId::Malformed)?;
                // The id is stored and shown as part of the name, so that it needs neither escaping
                // nor normalising.
                let valid = !id.is_empty()
                    && id
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
                match (valid, id.len() <= CUSTOM_ID_BYTES_MAX) {
                    (true, true) => Ok(Self::Custom(id.to_owned())),
                    (true, false) => Err(InvalidId::TooLong),
                    (false, _) => Err(InvalidId::Malformed),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for name in ["pin", "fingerprint", "custom:face-1.b_C"] {
            assert_eq!(name.parse::<AuthenticatorName>().unwrap().to_string(), name);
        }

        let long = format!("custom:{}", "x".repeat(CUSTOM_ID_BYTES_MAX + 1));
        for name in [
            "",
            "device",
            "PIN",
            " pin",
            "custom",
            "custom:",
            "custom:a b",
            "custom:a/b",
            "custom:é",
            &long,
        ] {
            assert!(name.parse::<AuthenticatorName>().is_err(), "{name}");
        }
    }
}
