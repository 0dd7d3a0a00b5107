//! ID tokens: what a client is told of the user who logged in (OpenID Connect Core §2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::issue::Issuance;
use crate::ids::LoginSessionId;
use crate::oauth::clients::Client;
use crate::oauth::error::OAuthError;
use crate::oauth::model::{Claims as UserClaims, Grant, Login};
use crate::oauth::scope;
use crate::secret::sha256;
use crate::store::StoreError;

pub(super) const TYPE: &str = "JWT";

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
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    amr: &'a [String],
    at_hash: String,
    /// OpenID Connect Back-Channel Logout §2.1: where the browser remembers the log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<LoginSessionId>,
    #[serde(flatten)]
    user: UserClaims,
}

impl Issuance {
    /// The ID token that goes with an access token; `None` where the grant is not for OpenID
    /// Connect. `nonce` is the authorization request's: only the first ID token has it.
    pub(crate) fn id_token(
        &self,
        client: &Client,
        grant: &Grant,
        nonce: Option<&str>,
        access_token: &str,
    ) -> Result<Option<String>, OAuthError> {
        if !scope::contains(&grant.scope, scope::OPENID) {
            return Ok(None);
        }

        let (now, policy) = (self.base.clock.now(), client.policy());
        let Login {
            user_id,
            authentication,
        } = &grant.login;
        let user = authentication.claims(&self.base.keyring, user_id);

        let claims = Claims {
            iss: self.issuer.as_str(),
            sub: user_id.as_str(),
            // Never a resource server: it is for the client alone (OpenID Connect Core §2).
            aud: client.id(),
            iat: now.as_secs(),
            exp: now.after(policy.access_token_lifetime()).as_secs(),
            auth_time: authentication.time.as_secs(),
            nonce,
            acr: authentication.acr.as_deref(),
            amr: &authentication.amr,
            at_hash: access_token_hash(access_token),
            sid: authentication.session,
            user: user.map_err(StoreError::from)?,
        };

        let signed = self.keys.sign(policy.id_token_algorithm(), TYPE, &claims)?;
        Ok(Some(signed))
    }
}

/// The left half of the hash of an access token (OpenID Connect Core §3.1.3.6). Both signing
/// algorithms hash with SHA-256.
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
