//! The algorithms that the server signs with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the server signs its JWTs (RFC 7518 §3.1).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 and a modulus of 2048 bits, for recipients that cannot verify
    /// `ES256`.
    #[serde(rename = "RS256")]
    Rs256,
}

impl SigningAlgorithm {
    pub const ALL: [Self; 2] = [Self::Es256, Self::Rs256];

    /// The registered name, as used in headers, metadata and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm with exactly this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_have_their_registered_names() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(
                SigningAlgorithm::from_name(algorithm.as_str()),
                Some(algorithm)
            );

            assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.as_str());

            assert_eq!(
                serde_json::from_value(algorithm.as_str().into()).ok(),
                Some(algorithm)
            );
        }

        for name in ["none", "HS256", "es256", "RS256 ", ""] {
            assert_eq!(SigningAlgorithm::from_name(name), None, "{name}");
        }
    }
}
