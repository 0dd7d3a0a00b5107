//! The provider tokens that authenticate the server to Apple: made once, sent with every push,
//! renewed before Apple refuses them.
//!
//! Apple refuses a token that is older than an hour, and one that replaces another within twenty
//! minutes. So a token is kept for each auth key and not for each configuration: two configurations
//! with the same key, or one that was changed, use the same token.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::jose::{self, JoseError};
use crate::secret::SecretString;

const RENEW_AFTER: Duration = Duration::from_secs(40 * 60);
/// To an earlier replacement Apple answers `TooManyProviderTokenUpdates`.
const REPLACE_AFTER: Duration = Duration::from_secs(20 * 60);
/// A token from further in the future was made before the clock was set back.
const FUTURE_MAX: Duration = Duration::from_secs(60);
/// Auth keys whose tokens are kept. Past it the oldest token is dropped.
const KEYS_MAX: usize = 64;

/// An Apple auth key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AuthKey {
    pub(super) team_id: String,
    pub(super) key_id: String,
    /// PKCS#8 in PEM.
    pub(super) pem: SecretString,
}

/// One token for each auth key. Clones share the tokens.
#[derive(Clone, Default)]
pub(super) struct ProviderTokens(Arc<Mutex<HashMap<(String, String), Issued>>>);

struct Issued {
    /// A key file that is corrected under the same id needs another token.
    pem: SecretString,
    token: Arc<SecretString>,
    at: Timestamp,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
}

impl ProviderTokens {
    /// The token to show now.
    pub(super) fn current(
        &self,
        key: &AuthKey,
        now: Timestamp,
    ) -> Result<Arc<SecretString>, JoseError> {
        let mut tokens = self.0.lock();
        let id = (key.team_id.clone(), key.key_id.clone());

        let is_good = |issued: &&Issued| {
            issued.pem == key.pem
                && issued.at <= now.after(FUTURE_MAX)
                && now.since(issued.at) < RENEW_AFTER
        };

        if let Some(issued) = tokens.get(&id).filter(is_good) {
            return Ok(Arc::clone(&issued.token));
        }

        let claims = Claims {
            iss: &key.team_id,
            iat: now.as_secs(),
        };
        let token = Arc::new(SecretString::new(jose::sign_es256_pem(
            key.pem.expose(),
            &key.key_id,
            &claims,
        )?));

        if tokens.len() >= KEYS_MAX && !tokens.contains_key(&id) {
            let oldest = tokens
                .iter()
                .min_by_key(|(_, issued)| issued.at)
                .map(|(id, _)| id.clone());
            oldest.and_then(|id| tokens.remove(&id));
        }

        tokens.insert(
            id,
            Issued {
                pem: key.pem.clone(),
                token: Arc::clone(&token),
                at: now,
            },
        );

        Ok(token)
    }

    /// Drops a token that Apple calls expired. Returns whether another attempt makes sense. It does
    /// not where the token is so young that Apple would refuse its successor, too: then this
    /// machine's clock is wrong.
    pub(super) fn discard(&self, key: &AuthKey, refused: &SecretString, now: Timestamp) -> bool {
        let mut tokens = self.0.lock();
        let id = (key.team_id.clone(), key.key_id.clone());
        match tokens.get(&id) {
            Some(issued) if *issued.token == *refused => {
                let is_old = now.since(issued.at) >= REPLACE_AFTER;
                if is_old {
                    tokens.remove(&id);
                }
                is_old
            }
            Some(_) | None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key_id: &str) -> AuthKey {
        let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
        AuthKey {
            team_id: "TEAM".to_owned(),
            key_id: key_id.to_owned(),
            pem: SecretString::new(pem),
        }
    }

    fn minutes(minutes: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).after(Duration::from_secs(minutes * 60))
    }

    #[test]
    fn a_token_lives_forty_minutes() {
        let (tokens, key) = (ProviderTokens::default(), key("A"));
        let first = tokens.current(&key, minutes(0)).unwrap();
        assert_eq!(tokens.current(&key, minutes(39)).unwrap(), first);
        let second = tokens.current(&key, minutes(40)).unwrap();
        assert_ne!(second, first);

        assert_ne!(
            tokens.current(&key, minutes(30)).unwrap(),
            second,
            "the clock was set back"
        );
    }

    #[test]
    fn a_corrected_key_file_makes_another_token() {
        let (tokens, wrong, right) = (ProviderTokens::default(), key("A"), key("A"));
        let first = tokens.current(&wrong, minutes(0)).unwrap();
        assert_ne!(tokens.current(&right, minutes(0)).unwrap(), first);
    }

    #[test]
    fn only_an_old_token_is_dropped() {
        let (tokens, key) = (ProviderTokens::default(), key("A"));
        let first = tokens.current(&key, minutes(0)).unwrap();
        assert!(!tokens.discard(&key, &first, minutes(19)));
        assert!(tokens.discard(&key, &first, minutes(20)));
        let second = tokens.current(&key, minutes(20)).unwrap();
        assert_ne!(second, first);

        assert!(
            tokens.discard(&key, &first, minutes(20)),
            "somebody else has renewed it"
        );

        assert_eq!(tokens.current(&key, minutes(20)).unwrap(), second);
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let (tokens, one) = (ProviderTokens::default(), key("0"));
        for number in 0..KEYS_MAX + 3 {
            let key = AuthKey {
                key_id: number.to_string(),
                ..one.clone()
            };
            tokens.current(&key, minutes(number as u64)).unwrap();
        }

        assert_eq!(tokens.0.lock().len(), KEYS_MAX);
    }
}
