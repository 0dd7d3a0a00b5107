//! JWK, JWS, JWE and what is built on them: client assertions, DPoP proofs and the server's own JWTs.
//!
//! Keys of phones are always on P-256: they sign with `ES256` (RFC 7518 §3.4) and decrypt with
//! `ECDH-ES` and `A256GCM` (§4.6). The assertions of clients may be signed with `RS256`, `PS256` and
//! `EdDSA` too, the server's own tokens with `RS256`.
//! The key determines the algorithm, never the message: a header that names another algorithm or
//! says where to get a key is refused (RFC 8725 §3.1, §3.10). Only DPoP proofs contain their key
//! (RFC 9449 §4.2). The signers with PEM keys are for the token endpoints of push services.

mod algorithm;
pub mod assertion;
mod client_key;
mod compact;
mod date;
pub mod dpop;
mod ecdh;
mod error;
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
pub use client_key::{CLIENT_ALGORITHMS, ClientKey};
pub use date::NumericDate;
pub use error::JoseError;
pub(crate) use json::check_object;
pub use jwk::{PrivateJwk, PublicJwk};
pub use pem::{sign_es256_pem, sign_rs256_pem};
pub use signing_key::SigningKey;
pub use verifying_key::VerifyingKey;
