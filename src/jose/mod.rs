//! Signed and sealed JSON: JWK, JWS and JWE, each in the one form the server speaks.
//!
//! From others P-256 only: `ES256` signatures (RFC 7518 §3.4) and `ECDH-ES` with `A256GCM` (§4.6);
//! the server's own tokens may be signed with `RS256` instead. The algorithm belongs to the key,
//! never to the message: a header that names another, or a source to take a key from, is refused
//! (RFC 8725 §3.1, §3.10). Only a DPoP proof brings its key along (RFC 9449 §4.2). The two signers
//! that take PEM are for the push services' own token endpoints.

mod algorithm;
pub mod assertion;
mod compact;
mod date;
pub mod dpop;
mod htu;
mod json;
pub mod jwe;
mod jwk;
pub mod jws;
pub mod own;
mod pem;
mod signing_key;
mod verifying_key;

pub use algorithm::SigningAlgorithm;
pub use date::NumericDate;
pub(crate) use json::check_object;
pub use jwk::{PrivateJwk, PublicJwk};
pub use pem::{sign_es256_pem, sign_rs256_pem};
pub use signing_key::SigningKey;
pub use verifying_key::VerifyingKey;

/// Why a key, a signed or a sealed message was refused, or could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// Longer than the module takes.
    #[error("is too long")]
    TooLong,
    /// Not a compact serialization of base64url without padding, or not a JSON object inside.
    #[error("is not a well-formed compact serialization")]
    Malformed,
    /// A JSON object names one member twice, so that two readers may see two different messages.
    #[error("names a member twice")]
    DuplicateMember,
    /// Another algorithm than the key's.
    #[error("uses an algorithm that is not accepted")]
    Algorithm,
    /// A message made for another use.
    #[error("is of another type")]
    Type,
    /// A header parameter that chooses a key or asks for an extension: `jku`, `jwk`, `x5u`, `x5c`,
    /// `crit` and so on.
    #[error("has a header parameter that is not accepted")]
    HeaderParameter,
    /// The signature or the seal does not fit.
    #[error("does not verify")]
    Verification,
    /// Not a P-256 key whose point is on the curve, or one that shows its private part.
    #[error("is not a public P-256 key")]
    InvalidKey,
    /// Not a key of the server for the algorithm asked for.
    #[error("is not a key for this algorithm")]
    InvalidSigningKey,
    /// Names no key, or one that the server does not know (any more).
    #[error("is not by a known key")]
    UnknownKey,
    /// The cryptographic library did not do its part.
    #[error("could not be made")]
    Cryptography,
}
