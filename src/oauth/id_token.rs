//! ID tokens: what a client is told of the user who logged in (OpenID Connect Core §2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::clients::Client;
use super::tokens::amr;
use super::{OAuthError, TokenServer, scope};
use crate::clock::Timestamp;
use crate::secret::sha256;
use crate::store::rows::GrantRow;

const TYPE: &str = "JWT";

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    at_hash: String,
}

impl TokenServer {
    /// The ID token that goes with an access token; none where the grant does not speak of OpenID
    /// Connect. `nonce` is the authorization request's, and only the first ID token has it.
    pub(super) fn id_token(
        &self,
        client: &Client,
        grant: &GrantRow,
        nonce: Option<&str>,
        access_token: &str,
    ) -> Result<Option<String>, OAuthError> {
        if !scope::contains(&grant.scope, scope::OPENID) {
            return Ok(None);
        }
        let (now, policy) = (self.0.base.clock.now(), client.policy());
        let claims = Claims {
            iss: &self.0.issuer,
            sub: &grant.user_id,
            aud: client.id(),
            iat: now.as_secs(),
            exp: now.after(policy.access_token_lifetime()).as_secs(),
            auth_time: Timestamp::from_millis(grant.auth_time).as_secs(),
            nonce,
            acr: grant.acr.as_deref(),
            amr: amr(grant.amr.as_deref()),
            at_hash: access_token_hash(access_token),
        };
        self.sign(policy.signing_algorithm, TYPE, &claims).map(Some)
    }
}

/// The left half of the hash of an access token (OpenID Connect Core §3.1.3.6): both algorithms
/// hash with SHA-256.
fn access_token_hash(access_token: &str) -> String {
    let hash = sha256(access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.split_at(hash.len() / 2).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_hash_is_the_example_of_openid_connect() {
        // OpenID Connect Core, appendix A.3.
        assert_eq!(
            access_token_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }
}
