//! What brings a browser back from a page: an address with a text that nobody else can make. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids::AuthorizationId;
use crate::oauth::model::Authorization;
use crate::secret::{Keyring, SecretString, TokenHash, TokenKind, constant_time_eq};

/// An id and a keyed hash.
const BYTES: usize = 16 + 32;

/// The verifier of an authorization whose page has answered. Another page of the same authorization
/// has another one.
pub(super) fn text(keyring: &Keyring, authorization: &Authorization) -> SecretString {
    let id = authorization.id.to_column();
    let hash = hash(keyring, authorization);

    URL_SAFE_NO_PAD
        .encode([id.as_slice(), &hash].concat())
        .into()
}

/// The authorization that a text names. Whether it is its verifier is for [`is_of`] to tell.
pub(super) fn id(text: &str) -> Option<AuthorizationId> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    if bytes.len() != BYTES {
        return None;
    }

    AuthorizationId::from_column(bytes.get(..16)?)
}

/// Whether a text is the verifier of this authorization.
pub(super) fn is_of(text: &str, keyring: &Keyring, authorization: &Authorization) -> bool {
    let expected = self::text(keyring, authorization);
    constant_time_eq(text.as_bytes(), expected.expose().as_bytes())
}

fn hash(keyring: &Keyring, authorization: &Authorization) -> TokenHash {
    // The challenge is the page's own: what the login page gave is of no use after the consent page.
    let challenge = authorization.challenge.unwrap_or_default();
    let subject = [authorization.id.to_column().as_slice(), &challenge].concat();

    keyring.token_hash(TokenKind::PageVerifier, &URL_SAFE_NO_PAD.encode(subject))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::ids::DeviceCodeId;
    use crate::oauth::model::{AnswerTo, AuthorizationState, Hints};

    fn authorization(id: u8, challenge: u8) -> Authorization {
        Authorization {
            id: AuthorizationId::from_bytes([id; 16]),
            client_id: "web".to_owned(),
            scope: "openid".to_owned(),
            resource_server: None,
            hints: Hints::default(),
            answer_to: AnswerTo::Appliance(DeviceCodeId::from_bytes([0; 16])),
            challenge: Some([challenge; 32]),
            state: AuthorizationState::WaitingForLogin,
            created_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_verifier_is_of_one_page_of_one_authorization() {
        let keyring = Keyring::new(&[7; 32]);
        let its = authorization(1, 2);
        let text = text(&keyring, &its);

        assert_eq!(id(text.expose()), Some(its.id));
        assert!(is_of(text.expose(), &keyring, &its));

        for other in [authorization(1, 3), authorization(2, 2)] {
            assert!(!is_of(text.expose(), &keyring, &other));
        }
        assert!(!is_of(text.expose(), &Keyring::new(&[8; 32]), &its));

        for no_verifier in [
            "",
            "x",
            &"A".repeat(63),
            &"A".repeat(65),
            "=",
            &"A".repeat(9999),
        ] {
            assert_eq!(id(no_verifier), None, "{no_verifier}");
        }
    }
}
