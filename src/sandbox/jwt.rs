//! Verifies JWTs without the server's own code, so that the two do not share mistakes.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The algorithms that the providers require (RFC 7518 §3.1).
#[derive(Clone, Copy)]
pub(super) enum Algorithm {
    Es256,
    Rs256,
}

/// A token with a valid signature.
pub(super) struct Jwt {
    pub(super) header: Value,
    pub(super) claims: Value,
}

impl Jwt {
    /// A claim that is a string.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    /// A claim in seconds since the epoch.
    pub(super) fn time(&self, claim: &str) -> Option<i64> {
        self.claims.get(claim)?.as_i64()
    }
}

/// Verifies a compact JWS (RFC 7515 §7.1).
pub(super) fn verify(compact: &str, algorithm: Algorithm, public_key: &[u8]) -> Option<Jwt> {
    let (signed, signature) = compact.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;

    let (name, verification): (_, &'static dyn VerificationAlgorithm) = match algorithm {
        Algorithm::Es256 => ("ES256", &ECDSA_P256_SHA256_FIXED),
        Algorithm::Rs256 => ("RS256", &RSA_PKCS1_2048_8192_SHA256),
    };

    let header: Value = decode(header)?;
    if header.get("alg")?.as_str()? != name {
        return None;
    }

    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    UnparsedPublicKey::new(verification, public_key)
        .verify(signed.as_bytes(), &signature)
        .ok()?;

    Some(Jwt {
        header,
        claims: decode(claims)?,
    })
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
