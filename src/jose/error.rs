//! Why keys and messages are refused.

/// Why a key or a message was refused, or could not be created. The text completes a sentence such
/// as "the assertion …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    #[error("is too long")]
    TooLong,
    /// Not a compact serialization in base64url without padding, or no JSON object inside.
    #[error("is not a well-formed compact serialization")]
    Malformed,
    /// A JSON object has a member twice, so that two parsers may read different messages.
    #[error("names a member twice")]
    DuplicateMember,
    /// The algorithm in the header is not the key's.
    #[error("uses an algorithm that is not accepted")]
    Algorithm,
    /// The message has another type (`typ`) than expected.
    #[error("is of another type")]
    Type,
    /// A header parameter selects a key or requires an extension: `jku`, `jwk`, `x5u`, `x5c`,
    /// `crit` and so on.
    #[error("has a header parameter that is not accepted")]
    HeaderParameter,
    /// The signature or the authentication tag is wrong.
    #[error("does not verify")]
    Verification,
    /// Not a key of the type that is expected, or a public key that contains the private one.
    #[error("is not a public key of an accepted type")]
    InvalidKey,
    /// Not one of the server's own keys for this algorithm.
    #[error("is not a key for this algorithm")]
    InvalidSigningKey,
    /// The header names no key, or one that the server does not have or no longer has.
    #[error("is not by a known key")]
    UnknownKey,
    /// The cryptographic library failed.
    #[error("could not be made")]
    Cryptography,
}
