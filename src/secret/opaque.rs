//! Opaque tokens: 256 random bits in base64url for the holder, a keyed hash for us.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Keyring, Purpose, SecretString};
use crate::random::{self, Random};

/// What an opaque token stands for. The kind goes into the hash, so that a token of one kind is
/// never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An OAuth access token.
    Access,
    /// An installation's access to its own registration (RFC 7592).
    Registration,
    /// An authorization code.
    AuthorizationCode,
    /// The `login_challenge` the login page is called with.
    LoginChallenge,
    /// What brings a browser back from the login page that is to be remembered.
    LoginVerifier,
    /// The `consent_challenge` the consent page is called with.
    ConsentChallenge,
    /// A login that a browser remembers: its cookie.
    LoginSession,
    /// The browser that began a login: its cookie.
    Browser,
    /// The `request_uri` of a pushed authorization request.
    PushedRequest,
    /// What a device asks with whether its user has decided.
    DeviceCode,
    /// What a device shows to its user.
    UserCode,
    /// A client assertion's `jti`: made by the client, but recognised in the same way.
    AssertionId,
    /// A DPoP proof's `jti`, likewise.
    ProofId,
}

impl TokenKind {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Access => b"access\0",
            Self::Registration => b"registration\0",
            Self::AuthorizationCode => b"authorization-code\0",
            Self::LoginChallenge => b"login-challenge\0",
            Self::LoginVerifier => b"login-verifier\0",
            Self::ConsentChallenge => b"consent-challenge\0",
            Self::LoginSession => b"login-session\0",
            Self::Browser => b"browser\0",
            Self::PushedRequest => b"pushed-request\0",
            Self::DeviceCode => b"device-code\0",
            Self::UserCode => b"user-code\0",
            Self::AssertionId => b"assertion-id\0",
            Self::ProofId => b"proof-id\0",
        }
    }
}

/// A token that was just made.
#[derive(Debug)]
pub struct OpaqueToken {
    /// For its holder, 43 characters; kept nowhere.
    pub text: SecretString,
    pub hash: [u8; 32],
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
    /// The hash a presented token is looked up by.
    #[must_use]
    pub fn token_hash(&self, kind: TokenKind, text: &str) -> [u8; 32] {
        self.hash(Purpose::Token, &[kind.label(), text.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_token_is_recognised_as_its_own_kind_only() {
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
            TokenKind::LoginVerifier,
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
