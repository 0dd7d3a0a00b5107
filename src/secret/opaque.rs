//! Opaque tokens: the holder has 256 random bits in base64url, the server has a keyed hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keyring::{Keyring, Purpose};
use super::text::SecretString;
use crate::random::{self, Random};

/// What an opaque token is for. The kind is part of the hash, so that a token of one kind is never
/// accepted as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Access,
    /// The registration access token of a device (RFC 7592).
    Registration,
    AuthorizationCode,
    /// The `login_challenge` for the login page.
    LoginChallenge,
    /// Brings the browser back from the login page or the consent page.
    PageVerifier,
    /// The `consent_challenge` for the consent page.
    ConsentChallenge,
    /// The cookie of a remembered log-in.
    LoginSession,
    /// The cookie of the browser that started a log-in.
    Browser,
    /// The `request_uri` of a pushed authorization request (RFC 9126).
    PushedRequest,
    /// The `device_code` of RFC 8628.
    DeviceCode,
    /// The `user_code` of RFC 8628.
    UserCode,
    /// The `jti` of a client assertion. The client makes it, but it is hashed and recognized like a
    /// token.
    AssertionId,
    /// The `jti` of a DPoP proof, likewise.
    ProofId,
    /// The address that a request comes from, likewise.
    Source,
    /// Whom a text message counts for: a number, a user, a website, likewise.
    Recipient,
    /// What DPoP proofs have to contain for a while (RFC 9449 §8).
    DpopNonce,
}

impl TokenKind {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Access => b"access\0",
            Self::Registration => b"registration\0",
            Self::AuthorizationCode => b"authorization-code\0",
            Self::LoginChallenge => b"login-challenge\0",
            Self::PageVerifier => b"page-verifier\0",
            Self::ConsentChallenge => b"consent-challenge\0",
            Self::LoginSession => b"login-session\0",
            Self::Browser => b"browser\0",
            Self::PushedRequest => b"pushed-request\0",
            Self::DeviceCode => b"device-code\0",
            Self::UserCode => b"user-code\0",
            Self::AssertionId => b"assertion-id\0",
            Self::ProofId => b"proof-id\0",
            Self::Source => b"source\0",
            Self::Recipient => b"recipient\0",
            Self::DpopNonce => b"dpop-nonce\0",
        }
    }
}

/// The keyed hash of a token: what its row is found by.
pub type TokenHash = [u8; 32];

/// A new token.
#[derive(Debug)]
pub struct OpaqueToken {
    /// For the holder: 43 characters. The server must not store it.
    pub text: SecretString,
    pub hash: TokenHash,
}

impl OpaqueToken {
    #[must_use]
    pub fn new(keyring: &Keyring, kind: TokenKind, random: &dyn Random) -> Self {
        let text = SecretString::new(URL_SAFE_NO_PAD.encode(random::bytes::<32>(random)));
        let hash = keyring.token_hash(kind, text.expose());
        Self { text, hash }
    }
}

impl Keyring {
    /// The hash by which a presented token is found.
    #[must_use]
    pub fn token_hash(&self, kind: TokenKind, text: &str) -> TokenHash {
        self.hash(Purpose::Token, &[kind.label(), text.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_token_is_only_recognized_as_its_own_kind() {
        let keyring = Keyring::new(&[7; 32]);
        let token = OpaqueToken::new(&keyring, TokenKind::Access, &SystemRandom);
        assert_eq!(token.text.expose().len(), 43);

        assert_eq!(
            keyring.token_hash(TokenKind::Access, token.text.expose()),
            token.hash
        );

        let others = [
            TokenKind::Registration,
            TokenKind::AuthorizationCode,
            TokenKind::LoginChallenge,
            TokenKind::PageVerifier,
            TokenKind::ConsentChallenge,
            TokenKind::LoginSession,
            TokenKind::Browser,
            TokenKind::PushedRequest,
            TokenKind::DeviceCode,
            TokenKind::UserCode,
            TokenKind::AssertionId,
        ];

        for kind in others {
            assert_ne!(keyring.token_hash(kind, token.text.expose()), token.hash);
        }

        assert_ne!(
            OpaqueToken::new(&keyring, TokenKind::Access, &SystemRandom).hash,
            token.hash
        );
    }
}
