//! JWT access tokens that are signed a second time, to be listed.
//!
//! The server keeps of a JWT what it says, not the text. Signed anew it says the same, but for
//! `ES256` no two signatures are alike, and the key may be another by now: the keyed hash in the
//! row does not fit. So where a row is found and the hash is another's, a text is the row's token
//! too if one of the published keys signed it as an access token and it says exactly what the row
//! and its grant say. That the row is there, and not revoked, is decided before, as for any token.
//!
//! The audience is the one that the resource server has now. If that was changed since, what was
//! given out goes on by its hash, and what was made anew before has ended.

use serde_json::Value;

use super::super::TokenServer;
use super::super::error::OAuthError;
use super::jwt::{Claims, Meaning, TYPE};
use crate::jose::{SigningAlgorithm, own};
use crate::secret::SecretString;
use crate::store::StoreError;
use crate::store::rows::{AccessTokenRow, LiveAccessToken};

impl TokenServer {
    /// The text of a JWT again, with the claims it was given out with. `None` for an opaque token,
    /// for one that no door takes any more or whose resource server is not configured, and for what
    /// cannot be signed.
    ///
    /// The keys must have been seen to (`SigningKeys::ensure`).
    pub(in crate::oauth) fn remake_jwt(&self, live: &LiveAccessToken) -> Option<SecretString> {
        let algorithm = algorithm(&live.token).filter(|_| self.is_good(live))?;
        let audience = self.audience(live.token.resource_server.as_deref())?;
        self.jwt_access_token(&meaning(live, &audience)?, algorithm)
            .ok()
    }

    /// Whether a text is the token of this row, made anew.
    pub(super) async fn is_remade(
        &self,
        text: &str,
        live: &LiveAccessToken,
    ) -> Result<bool, StoreError> {
        let Some(algorithm) = algorithm(&live.token) else {
            return Ok(false);
        };
        // Another node may have signed it with a key that this one has not seen.
        self.0
            .keys
            .ensure()
            .await
            .map_err(|error: OAuthError| StoreError::Unavailable(error.to_string()))?;
        let find = |kid: &str| {
            self.0
                .keys
                .published_key(kid)
                .filter(|key| key.algorithm() == algorithm)
        };
        let Ok(payload) = own::verify(text, TYPE, find) else {
            return Ok(false);
        };
        let says_the_same = || {
            let audience = self.audience(live.token.resource_server.as_deref())?;
            Some(is_said(&self.claims(&meaning(live, &audience)?), &payload))
        };
        Ok(says_the_same().unwrap_or(false))
    }
}

/// What the row's token is signed with, if it is a JWT.
fn algorithm(row: &AccessTokenRow) -> Option<SigningAlgorithm> {
    row.signing_algorithm
        .as_deref()
        .and_then(SigningAlgorithm::from_name)
}

fn meaning<'a>(live: &'a LiveAccessToken, audience: &'a str) -> Option<Meaning<'a>> {
    let id = live.token.id.as_slice().try_into().ok()?;
    Some(Meaning {
        id,
        row: &live.token,
        authentication: live.authentication.as_ref(),
        audience,
    })
}

/// Whether a payload has these claims, and no others.
fn is_said(claims: &Claims<'_>, payload: &[u8]) -> bool {
    match (
        serde_json::to_value(claims),
        serde_json::from_slice::<Value>(payload),
    ) {
        (Ok(expected), Ok(said)) => expected == said,
        _ => false,
    }
}
