//! The texts of opaque tokens. Pure.
//!
//! Each begins with the id of its row: rows are found by an index that grows at its end only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::jwt;
use crate::ids::{AccessTokenId, RefreshFamilyId};
use crate::oauth::model::RefreshFamily;
use crate::random::{self, Random};
use crate::secret::{Keyring, Purpose, SecretString, TokenHash, TokenKind, constant_time_eq};

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const GENERATION_BYTES: usize = 4;
const REFRESH_BYTES: usize = ID_BYTES + GENERATION_BYTES + SECRET_BYTES;

/// A new opaque access token: its id and 256 random bits, 64 characters.
pub(super) fn new_access_token(id: AccessTokenId, random: &dyn Random) -> SecretString {
    let secret: [u8; SECRET_BYTES] = random::bytes(random);
    let bytes = [id.as_bytes().as_slice(), &secret].concat();

    SecretString::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// The id of the row that an access token names, opaque or a JWT; `None` for what cannot be one.
pub(super) fn access_token_id(text: &str) -> Option<AccessTokenId> {
    opaque_id(text).or_else(|| jwt::id(text))
}

fn opaque_id(text: &str) -> Option<AccessTokenId> {
    let bytes = decode::<{ ID_BYTES + SECRET_BYTES }>(text)?;
    bytes.first_chunk().copied().map(AccessTokenId::from_bytes)
}

/// The keyed hash that an access token is recognised by.
pub(super) fn access_token_hash(keyring: &Keyring, text: &str) -> TokenHash {
    keyring.token_hash(TokenKind::Access, text)
}

/// The last token of a family, 70 characters.
///
/// It is derived under the master key: the database holds nothing to steal, and the same token can
/// be given again when the answer was lost.
pub(crate) fn refresh_token(keyring: &Keyring, family: &RefreshFamily) -> SecretString {
    let generation = family.generation.to_be_bytes();
    let head = [family.id.as_bytes().as_slice(), &generation].concat();
    let secret = keyring.hash(Purpose::RefreshToken, &head);

    SecretString::new(URL_SAFE_NO_PAD.encode([head.as_slice(), &secret].concat()))
}

/// What a refresh token says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PresentedRefreshToken {
    pub(crate) family: RefreshFamilyId,
    pub(crate) generation: i32,
}

impl PresentedRefreshToken {
    /// Reads a refresh token that this server has issued; `None` for every other text.
    pub(crate) fn parse(keyring: &Keyring, text: &str) -> Option<Self> {
        let bytes = decode::<REFRESH_BYTES>(text)?;
        let (head, secret) = bytes.split_at_checked(ID_BYTES + GENERATION_BYTES)?;
        let (id, generation) = head.split_first_chunk::<ID_BYTES>()?;
        let generation = i32::from_be_bytes(generation.try_into().ok()?);

        // Before the database is asked: a made-up token costs no query, and ends nothing as a token
        // that was used before would.
        let is_ours = constant_time_eq(&keyring.hash(Purpose::RefreshToken, head), secret);

        is_ours.then(|| Self {
            family: RefreshFamilyId::from_bytes(*id),
            generation,
        })
    }
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
    use crate::clock::Timestamp;
    use crate::ids::GrantId;
    use crate::random::SystemRandom;

    #[test]
    fn an_access_token_tells_its_id() {
        let id = AccessTokenId::from_bytes([7; 16]);
        let text = new_access_token(id, &SystemRandom);

        assert_eq!(text.expose().len(), 64);
        assert_eq!(access_token_id(text.expose()), Some(id));
        assert_ne!(new_access_token(id, &SystemRandom), text);

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
    fn a_refresh_token_is_derived_and_cannot_be_forged() {
        let keyring = Keyring::new(&[7; 32]);
        let parse = |text: &str| PresentedRefreshToken::parse(&keyring, text);

        let family = RefreshFamily {
            id: RefreshFamilyId::from_bytes([1; 16]),
            grant_id: GrantId::from_bytes([2; 16]),
            authenticator: None,
            jkt: None,
            generation: 3,
            issued_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(0),
        };

        let text = refresh_token(&keyring, &family);

        let expected = PresentedRefreshToken {
            family: family.id,
            generation: 3,
        };

        assert_eq!(text, refresh_token(&keyring, &family));
        assert_eq!(parse(text.expose()), Some(expected));
        let other = Keyring::new(&[8; 32]);
        assert_eq!(PresentedRefreshToken::parse(&other, text.expose()), None);

        let mut bytes = URL_SAFE_NO_PAD.decode(text.expose()).unwrap();
        for index in 0..bytes.len() {
            bytes[index] ^= 1;
            let forged = URL_SAFE_NO_PAD.encode(&bytes);
            assert_eq!(parse(&forged), None, "byte {index}");
            bytes[index] ^= 1;
        }

        for bad in [
            "",
            "x",
            text.expose().split_at(1).1,
            &format!("{}A", text.expose()),
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
