//! The texts of opaque tokens. Pure.
//!
//! Each begins with the id of its row, so that rows are found by an index that grows at its end
//! only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::jwt;
use crate::random::{self, Random};
use crate::secret::{Keyring, Purpose, SecretString, TokenKind, constant_time_eq};

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const GENERATION_BYTES: usize = 4;
const REFRESH_BYTES: usize = ID_BYTES + GENERATION_BYTES + SECRET_BYTES;

/// The longest text that can be a token, JWTs included, in bytes.
pub(in crate::oauth) const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// A new opaque access token: its id and 256 random bits, 64 characters.
pub(super) fn new_access_token(id: &[u8; ID_BYTES], random: &dyn Random) -> SecretString {
    let secret: [u8; SECRET_BYTES] = random::bytes(random);
    SecretString::new(URL_SAFE_NO_PAD.encode([id.as_slice(), &secret].concat()))
}

/// The id of the row that an access token says it has; `None` for what cannot be one.
pub(in crate::oauth) fn access_token_id(text: &str) -> Option<[u8; ID_BYTES]> {
    opaque_id(text).or_else(|| jwt::id(text))
}

fn opaque_id(text: &str) -> Option<[u8; ID_BYTES]> {
    let bytes = decode::<{ ID_BYTES + SECRET_BYTES }>(text)?;
    bytes.first_chunk().copied()
}

/// The keyed hash an access token is compared by.
pub(in crate::oauth) fn access_token_hash(keyring: &Keyring, text: &str) -> [u8; 32] {
    keyring.token_hash(TokenKind::Access, text)
}

/// The token of a family's generation: derived under the master key, so that the database holds
/// nothing of it and the same one can be given again when the answer was lost. 70 characters.
pub(in crate::oauth) fn refresh_token(
    keyring: &Keyring,
    id: &[u8],
    generation: i32,
) -> SecretString {
    let head = [id, &generation.to_be_bytes()].concat();
    let secret = keyring.hash(Purpose::RefreshToken, &head);
    SecretString::new(URL_SAFE_NO_PAD.encode([head.as_slice(), &secret].concat()))
}

/// The family and generation of a refresh token of ours; `None` for everything else.
pub(in crate::oauth) fn parse_refresh_token(
    keyring: &Keyring,
    text: &str,
) -> Option<([u8; ID_BYTES], i32)> {
    let bytes = decode::<REFRESH_BYTES>(text)?;
    let (head, secret) = bytes.split_at_checked(ID_BYTES + GENERATION_BYTES)?;
    let (id, generation) = head.split_first_chunk::<ID_BYTES>()?;
    let generation = i32::from_be_bytes(generation.try_into().ok()?);
    constant_time_eq(&keyring.hash(Purpose::RefreshToken, head), secret)
        .then_some((*id, generation))
}

/// Exactly this many bytes in base64url without padding.
fn decode<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    if text.len() != (BYTES * 4).div_ceil(3) {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn an_access_token_tells_its_id() {
        let id = [7; 16];
        let text = new_access_token(&id, &SystemRandom);
        assert_eq!(text.expose().len(), 64);
        assert_eq!(access_token_id(text.expose()), Some(id));
        assert_ne!(new_access_token(&id, &SystemRandom), text);
        for bad in [
            "",
            "x",
            &"A".repeat(63),
            &"A".repeat(65),
            &"A".repeat(70),
            &"=".repeat(64),
            &"é".repeat(32),
        ] {
            assert_eq!(access_token_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_refresh_token_is_derived_and_cannot_be_made_up() {
        let keyring = Keyring::new(&[7; 32]);
        let text = refresh_token(&keyring, &[1; 16], 3);
        assert_eq!(text, refresh_token(&keyring, &[1; 16], 3));
        assert_eq!(
            parse_refresh_token(&keyring, text.expose()),
            Some(([1; 16], 3))
        );
        assert_eq!(
            parse_refresh_token(&Keyring::new(&[8; 32]), text.expose()),
            None
        );
        let mut bytes = URL_SAFE_NO_PAD.decode(text.expose()).unwrap();
        for index in 0..bytes.len() {
            bytes[index] ^= 1;
            assert_eq!(
                parse_refresh_token(&keyring, &URL_SAFE_NO_PAD.encode(&bytes)),
                None,
                "byte {index}"
            );
            bytes[index] ^= 1;
        }
        for bad in [
            "",
            "x",
            text.expose().split_at(1).1,
            &format!("{}A", text.expose()),
        ] {
            assert_eq!(parse_refresh_token(&keyring, bad), None, "{bad}");
        }
    }
}
