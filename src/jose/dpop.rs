//! DPoP proofs: a client proves with each request that it has the key that its tokens are bound to
//! (RFC 9449).
//!
//! A proof contains its key, so it only proves possession of that key. The caller must compare
//! [`DpopProof::jkt`] with the key that the token, code or request is bound to.

use std::time::Duration;

use aws_lc_rs::digest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::compact::encode;
use super::date::NumericDate;
use super::error::JoseError;
use super::htu;
use super::jwk::{PrivateJwk, PublicJwk};
use super::jws::{self, Parts, Types, is_present};
use crate::clock::Timestamp;

/// How long a proof is accepted after its `iat`.
pub const AGE_MAX: Duration = Duration::from_secs(300);
/// How far the client's clock may be ahead of ours.
pub const LEEWAY: Duration = Duration::from_secs(300);
/// The longest `jti`, in bytes.
pub const JTI_BYTES_MAX: usize = 255;

const TYPE: &str = "dpop+jwt";

/// The request that a proof must have been made for.
#[derive(Clone, Copy)]
pub struct DpopExpectation<'a> {
    /// The HTTP method, in upper case.
    pub method: &'a str,
    /// The URL as the client sees it. Query and fragment are ignored.
    pub url: &'a str,
    /// The access token of the request, if any. The proof must then contain its hash (`ath`).
    pub access_token: Option<&'a str>,
    pub now: Timestamp,
}

/// A verified proof. It must be used only once: the caller records `jkt` and `jti` until
/// `expires_at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DpopProof {
    /// The SHA-256 thumbprint of the key (RFC 7638), base64url, 43 characters.
    pub jkt: String,
    /// Unique for the key; 1 to [`JTI_BYTES_MAX`] bytes.
    pub jti: String,
    /// What the server asked it to contain (RFC 9449 §8), if it does. The caller compares it.
    pub nonce: Option<String>,
    /// From then on the proof is refused because of its age. At most [`AGE_MAX`] plus [`LEEWAY`] in
    /// the future.
    pub expires_at: Timestamp,
}

/// Why a proof was refused. The OAuth error code is `invalid_dpop_proof`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// Not a JWS of the right type, or not signed with the key that it contains.
    #[error("the DPoP proof {0}")]
    Signature(JoseError),
    /// `jwk` is missing, not a P-256 key, or contains the private key.
    #[error("the DPoP proof must have its public P-256 key in the header as `jwk`")]
    Key,
    /// A claim is missing, has the wrong JSON type, or is out of bounds.
    #[error(
        "the DPoP proof must have `htm`, `htu`, `iat` and a `jti` of 1 to {JTI_BYTES_MAX} bytes"
    )]
    Claims,
    #[error("`htm` of the DPoP proof is not the method of this request")]
    Method,
    #[error("`htu` of the DPoP proof is not the URL of this request")]
    Url,
    /// The hash is missing or that of another access token.
    #[error("`ath` of the DPoP proof is not the hash of this access token")]
    AccessToken,
    #[error("the DPoP proof is older than five minutes; is the clock right?")]
    Expired,
    #[error("the DPoP proof is not valid yet; is the clock right?")]
    NotYetValid,
}

/// What is looked at. All else is ignored (RFC 7515 §4).
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    jwk: Option<Value>,
    /// Whether there are extensions that must be understood: there is none that is (RFC 7515 §4.1.11).
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: NumericDate,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    ath: Option<String>,
    nonce: Option<String>,
}

/// Verifies that `proof` was made for this request (RFC 9449 §4.3). The caller makes sure that the
/// request has only one `DPoP` header.
pub fn verify(proof: &str, expected: &DpopExpectation<'_>) -> Result<DpopProof, DpopError> {
    let parts = Parts::split(proof).map_err(DpopError::Signature)?;
    let key = key_of(parts.header().map_err(DpopError::Signature)?)?;
    let payload = parts.verified_by(&key).map_err(DpopError::Signature)?;

    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| DpopError::Claims)?;
    check_claims(&claims, expected)?;
    let expires_at = check_times(&claims, expected.now)?;

    Ok(DpopProof {
        jkt: key.thumbprint(),
        jti: claims.jti,
        nonce: claims.nonce,
        expires_at,
    })
}

fn key_of(header: Header) -> Result<PublicJwk, DpopError> {
    // Before the key is read: `none` and symmetric algorithms never get that far (RFC 9449 §4.3).
    if header.alg != "ES256" {
        return Err(DpopError::Signature(JoseError::Algorithm));
    }

    if !Types::Only(TYPE).include(header.typ.as_deref()) {
        return Err(DpopError::Signature(JoseError::Type));
    }

    if header.crit {
        return Err(DpopError::Signature(JoseError::HeaderParameter));
    }

    serde_json::from_value(header.jwk.ok_or(DpopError::Key)?).map_err(|_| DpopError::Key)
}

fn check_claims(claims: &Claims, expected: &DpopExpectation<'_>) -> Result<(), DpopError> {
    if claims.jti.is_empty() || claims.jti.len() > JTI_BYTES_MAX {
        return Err(DpopError::Claims);
    }

    if claims.htm != expected.method {
        return Err(DpopError::Method);
    }

    // A proof that was caught at one endpoint is of no use at another.
    if !htu::same(&claims.htu, expected.url) {
        return Err(DpopError::Url);
    }

    match (expected.access_token, &claims.ath) {
        // The hash of a token that is not presented says nothing either way.
        (None, _) => Ok(()),
        (Some(token), Some(ath)) if *ath == token_hash(token) => Ok(()),
        (Some(_), _) => Err(DpopError::AccessToken),
    }
}

/// Checks the dates. Returns when the proof expires: soon, whatever it says itself.
fn check_times(claims: &Claims, now: Timestamp) -> Result<Timestamp, DpopError> {
    let iat = claims.iat.timestamp();
    let expires_at = iat.after(AGE_MAX);
    let (exp, nbf) = (claims.exp, claims.nbf);

    let begins = [Some(iat), nbf.map(NumericDate::timestamp)];
    if begins.into_iter().flatten().max() > Some(now.after(LEEWAY)) {
        return Err(DpopError::NotYetValid);
    }

    let ends = exp.map_or(expires_at, |exp| exp.timestamp().min(expires_at));
    if ends <= now {
        return Err(DpopError::Expired);
    }

    Ok(expires_at)
}

fn token_hash(access_token: &str) -> String {
    encode(digest::digest(&digest::SHA256, access_token.as_bytes()))
}

/// Makes a proof for one request, as a client does. Each needs a new `jti`, and the `nonce` that the
/// server has asked for, if any.
pub fn sign(
    key: &PrivateJwk,
    request: &DpopExpectation<'_>,
    jti: &str,
    nonce: Option<&str>,
) -> Result<String, JoseError> {
    let header = json!({ "typ": TYPE, "alg": "ES256", "jwk": key.public() });
    let mut claims = json!({ "jti": jti, "htm": request.method, "htu": request.url, "iat": request.now.as_secs() });
    if let Some(claims) = claims.as_object_mut() {
        let ath = request.access_token.map(|token| ("ath", token_hash(token)));
        let nonce = nonce.map(|nonce| ("nonce", nonce.to_owned()));
        let more = ath.into_iter().chain(nonce);
        claims.extend(more.map(|(name, value)| (name.to_owned(), json!(value))));
    }

    jws::assemble(
        header.to_string().as_bytes(),
        claims.to_string().as_bytes(),
        |signed| key.sign(signed),
    )
}

#[cfg(test)]
#[path = "dpop_tests.rs"]
mod tests;
