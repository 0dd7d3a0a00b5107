//! Hashes and comparisons without a key of the server.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, pbkdf2};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Compares two byte strings in a time that only depends on their lengths.
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// SHA-256 without a key. Only for data that cannot be guessed or is not secret: client secrets,
/// PKCE, digests of what phones show.
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    hash
}

/// PBKDF2 with HMAC-SHA-256 (RFC 8018 §5.2): makes guessing a weak password more expensive.
#[must_use]
pub fn stretch(password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Zeroizing<[u8; 32]> {
    let mut stretched = Zeroizing::new([0; 32]);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        password,
        stretched.as_mut(),
    );

    stretched
}
