//! ID tokens that come back as hints: whom a client expects, and which log-in it means (OpenID
//! Connect Core §3.1.2.1, RP-Initiated Logout §2).

use std::sync::Arc;

use serde::Deserialize;

use super::id_token::TYPE;
use crate::ids::UserId;
use crate::jose::own;
use crate::oauth::error::OAuthError;
use crate::oauth::issuer::Issuer;
use crate::oauth::keys::SigningKeys;

/// What an ID token of this server says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct IdTokenHint {
    #[serde(rename = "sub")]
    pub(crate) user_id: UserId,
    #[serde(rename = "aud")]
    pub(crate) client_id: String,
}

/// Reads ID tokens that this server has issued.
pub(crate) struct IdTokenHints {
    issuer: Issuer,
    keys: Arc<SigningKeys>,
}

impl IdTokenHints {
    pub(crate) const fn new(issuer: Issuer, keys: Arc<SigningKeys>) -> Self {
        Self { issuer, keys }
    }

    /// What an ID token says that this server has issued, expired or not; `None` for anything else,
    /// and for one whose key has retired.
    pub(crate) async fn read(&self, text: &str) -> Result<Option<IdTokenHint>, OAuthError> {
        #[derive(Deserialize)]
        struct Claims {
            iss: String,
            #[serde(flatten)]
            hint: IdTokenHint,
        }

        // Another node may have signed it with a key that this one has not read yet.
        self.keys.ensure().await?;

        let find_key = |kid: &str| self.keys.find_published_key(kid);
        let claims = own::verify(text, TYPE, find_key)
            .ok()
            .and_then(|payload| serde_json::from_slice::<Claims>(&payload).ok());

        let own = claims.filter(|claims| claims.iss == self.issuer.as_str());
        Ok(own.map(|claims| claims.hint))
    }
}
