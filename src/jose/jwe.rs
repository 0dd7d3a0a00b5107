//! Encrypted messages: compact JWE with `ECDH-ES` and `A256GCM` (RFC 7516, RFC 7518 §4.6, §5.3).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::compact::{decode, encode, header, split};
use super::ecdh::AgreementKey;
use super::error::JoseError;
use super::jwk::{PrivateJwk, PublicJwk};
use crate::random::{self, Random};

/// The longest JWE that is decrypted, in bytes. Well above the largest request body, in which its
/// content was received.
pub const COMPACT_BYTES_MAX: usize = 256 * 1024;

const ALGORITHM: &str = "ECDH-ES";
const ENCRYPTION: &str = "A256GCM";
const TAG_BYTES: usize = 16;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    enc: String,
    epk: PublicJwk,
}

/// Encrypts `plain` for the holder of the private key of `recipient`.
pub fn encrypt(
    recipient: &PublicJwk,
    plain: &[u8],
    random: &dyn Random,
) -> Result<String, JoseError> {
    // A key for this message alone: without it, one nonce used twice under the same content key
    // would give both texts away.
    let ephemeral = AgreementKey::generate(random)?;

    let header = Header {
        alg: ALGORITHM.to_owned(),
        enc: ENCRYPTION.to_owned(),
        epk: PublicJwk::of_pair(&ephemeral),
    };

    let protected = encode(serde_json::to_string(&header).map_err(|_| JoseError::Cryptography)?);
    let iv: [u8; NONCE_LEN] = random::bytes(random);
    let mut body = plain.to_vec();

    let tag = content_key(&ephemeral, recipient)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(iv),
            Aad::from(&protected),
            &mut body,
        )
        .map_err(|_| JoseError::Cryptography)?;

    Ok(format!(
        "{protected}..{}.{}.{}",
        encode(iv),
        encode(body),
        encode(tag)
    ))
}

/// Decrypts a message that was encrypted for `key`.
pub fn decrypt(key: &PrivateJwk, compact: &str) -> Result<Zeroizing<Vec<u8>>, JoseError> {
    let [protected, encrypted_key, iv, ciphertext, tag] = split(compact, COMPACT_BYTES_MAX)?;
    let header: Header = header(protected)?;
    if header.alg != ALGORITHM || header.enc != ENCRYPTION {
        return Err(JoseError::Algorithm);
    }

    let iv: [u8; NONCE_LEN] = decode(iv)?.try_into().map_err(|_| JoseError::Malformed)?;
    let tag = decode(tag)?;

    // Direct key agreement has no encrypted key (RFC 7516 §5.2 step 10). A shorter tag would be
    // weaker.
    if !encrypted_key.is_empty() || tag.len() != TAG_BYTES {
        return Err(JoseError::Malformed);
    }

    let mut body = Zeroizing::new(decode(ciphertext)?);
    let plain_length = body.len();
    body.extend_from_slice(&tag);

    // The point was checked to be on the curve when the header was read (RFC 8725 §3.4).
    content_key(&key.for_agreement()?, &header.epk)?
        .open_in_place(
            Nonce::assume_unique_for_key(iv),
            Aad::from(protected),
            &mut body,
        )
        .map_err(|_| JoseError::Verification)?;

    body.truncate(plain_length);

    Ok(body)
}

fn content_key(own: &AgreementKey, peer: &PublicJwk) -> Result<LessSafeKey, JoseError> {
    let shared = own.agree(peer.point())?;
    let derived: Zeroizing<[u8; 32]> = concat_kdf(shared.as_ref(), ENCRYPTION, b"", b"")?;
    let key =
        UnboundKey::new(&AES_256_GCM, derived.as_ref()).map_err(|_| JoseError::Cryptography)?;
    Ok(LessSafeKey::new(key))
}

/// The Concat KDF of RFC 7518 §4.6.2 with SHA-256.
fn concat_kdf<const N: usize>(
    shared: &[u8],
    algorithm: &str,
    party_u: &[u8],
    party_v: &[u8],
) -> Result<Zeroizing<[u8; N]>, JoseError> {
    let mut info = Vec::new();
    // Each with its length, so that no two inputs run together as the same bytes.
    for part in [algorithm.as_bytes(), party_u, party_v] {
        info.extend_from_slice(&big_endian(part.len())?);
        info.extend_from_slice(part);
    }

    info.extend_from_slice(&big_endian(N * 8)?);

    let sha256 = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256)
        .ok_or(JoseError::Cryptography)?;
    let mut key = Zeroizing::new([0; N]);
    sskdf_digest(sha256, shared, &info, key.as_mut()).map_err(|_| JoseError::Cryptography)?;

    Ok(key)
}

fn big_endian(length: usize) -> Result<[u8; 4], JoseError> {
    u32::try_from(length)
        .map(u32::to_be_bytes)
        .map_err(|_| JoseError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn the_key_of_rfc_7518_appendix_c_comes_out_on_both_sides() {
        let alice = PrivateJwk::from_json(
            r#"{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
                "y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps","d":"0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"}"#,
        )
        .unwrap();

        let bob = PrivateJwk::from_json(
            r#"{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
                "y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#,
        )
        .unwrap();

        for (own, peer) in [(&alice, &bob), (&bob, &alice)] {
            let shared = own
                .for_agreement()
                .unwrap()
                .agree(peer.public().point())
                .unwrap();
            let key: Zeroizing<[u8; 16]> =
                concat_kdf(shared.as_ref(), "A128GCM", b"Alice", b"Bob").unwrap();
            assert_eq!(encode(key.as_ref()), "VqqN6vgjbSBcIijNcacQGg");
        }
    }

    #[test]
    fn only_the_recipient_can_decrypt_an_unchanged_message() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let other = PrivateJwk::generate(&SystemRandom).unwrap();

        for plain in [&b""[..], b"x", &[7; 4096]] {
            let sealed = encrypt(key.public(), plain, &SystemRandom).unwrap();
            assert_eq!(decrypt(&key, &sealed).unwrap().as_slice(), plain);
            assert_eq!(decrypt(&other, &sealed), Err(JoseError::Verification));
        }

        let sealed = encrypt(key.public(), b"pay 10 to bob", &SystemRandom).unwrap();

        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed.replace_range(
                index..=index,
                if sealed.split_at(index).1.starts_with('A') {
                    "B"
                } else {
                    "A"
                },
            );

            assert!(decrypt(&key, &changed).is_err(), "{changed}");
            assert!(decrypt(&key, sealed.split_at(index).0).is_err());
        }
    }

    #[test]
    fn hostile_messages_are_refused() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let sealed = encrypt(key.public(), b"x", &SystemRandom).unwrap();
        let [protected, _, iv, body, tag] = split::<5>(&sealed, usize::MAX).unwrap();
        let epk = key.public().to_json();
        let with_header = |header: String| format!("{}..{iv}.{body}.{tag}", encode(header));
        let off_curve = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}"#;

        let cases = [
            (
                with_header(format!(r#"{{"alg":"dir","enc":"A256GCM","epk":{epk}}}"#)),
                JoseError::Algorithm,
            ),
            (
                with_header(format!(
                    r#"{{"alg":"ECDH-ES","enc":"A128GCM","epk":{epk}}}"#
                )),
                JoseError::Algorithm,
            ),
            (
                with_header(format!(
                    r#"{{"alg":"ECDH-ES","enc":"A256GCM","epk":{off_curve}}}"#
                )),
                JoseError::HeaderParameter,
            ),
            (
                with_header(format!(
                    r#"{{"alg":"ECDH-ES","enc":"A256GCM","zip":"DEF","epk":{epk}}}"#
                )),
                JoseError::HeaderParameter,
            ),
            (
                with_header(r#"{"alg":"ECDH-ES","enc":"A256GCM"}"#.to_owned()),
                JoseError::HeaderParameter,
            ),
            (
                format!("{protected}.AAAA.{iv}.{body}.{tag}"),
                JoseError::Malformed,
            ),
            (
                format!("{protected}..{iv}.{body}.{}", tag.split_at(16).0),
                JoseError::Malformed,
            ),
            (format!("{sealed}."), JoseError::Malformed),
            ("x".repeat(COMPACT_BYTES_MAX + 1), JoseError::TooLong),
        ];

        for (message, expected) in cases {
            assert_eq!(decrypt(&key, &message), Err(expected), "{message}");
        }
    }
}
