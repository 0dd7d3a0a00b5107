//! What a transaction says. Sealed in its row; opened only to send it or to show it on the device.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::ids::TransactionId;
use crate::random::Random;
use crate::secret::{Keyring, Purpose, UnsealError, sha256};

/// The confidential part of a transaction.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    /// The short message. For SMS it is the template.
    pub(super) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) secure_message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signing_data: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sms: Option<SmsContent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ip_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user_agent: Option<String>,
}

/// Where a text message goes, and from whom.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SmsContent {
    pub(super) phone_number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sender_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) web_origin: Option<String>,
}

/// What is encrypted to the device's enrolled key.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    secure_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_data: Option<&'a str>,
}

impl Content {
    /// The number of a text message.
    pub(super) fn number(&self) -> Option<&str> {
        self.sms.as_ref().map(|sms| sms.phone_number.as_str())
    }

    pub(super) fn seal(
        &self,
        keyring: &Keyring,
        id: TransactionId,
        random: &dyn Random,
    ) -> Vec<u8> {
        // Strings, options and an address always have a JSON form.
        let plain = serde_json::to_vec(self).unwrap_or_default();
        keyring.seal(Purpose::TransactionContent, id.as_bytes(), &plain, random)
    }

    pub(super) fn open(
        keyring: &Keyring,
        id: TransactionId,
        sealed: &[u8],
    ) -> Result<Self, UnsealError> {
        let plain = keyring.open(Purpose::TransactionContent, id.as_bytes(), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| UnsealError)
    }

    /// base64url SHA-256 of exactly what the device shows: `message`, NUL, `secure_message`, NUL,
    /// `signing_data`.
    pub(super) fn digest(&self) -> String {
        let parts = [
            self.message.as_str(),
            self.secure_message.as_deref().unwrap_or_default(),
            self.signing_data.as_deref().unwrap_or_default(),
        ];

        // None of the texts may contain NUL, so that no two contents have the same digest.
        URL_SAFE_NO_PAD.encode(sha256(parts.join("\0").as_bytes()))
    }

    /// The JSON to encrypt to the device's enrolled key.
    pub(super) fn shown(&self) -> Vec<u8> {
        let shown = Shown {
            secure_message: self.secure_message.as_deref(),
            signing_data: self.signing_data.as_deref(),
        };
        serde_json::to_vec(&shown).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_tells_the_parts_apart() {
        let digest = |message: &str, secure: Option<&str>, signing: Option<&str>| {
            let content = Content {
                message: message.to_owned(),
                secure_message: secure.map(str::to_owned),
                signing_data: signing.map(str::to_owned),
                ..Content::default()
            };

            content.digest()
        };

        assert_eq!(
            digest("Approve?", None, None),
            digest("Approve?", Some(""), None)
        );

        assert_ne!(digest("a", Some("b"), None), digest("ab", None, None));
        assert_ne!(digest("a", Some("b"), None), digest("a", None, Some("b")));
    }
}
