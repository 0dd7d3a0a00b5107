//! Access tokens that say what they mean (RFC 9068).
//!
//! They have a row like all others, with a hash of the whole text: at our own doors they are
//! recognised by that, which is cheaper than a signature and knows of revocation. Those that were
//! signed anew are in `remade`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::error::OAuthError;
use super::super::{TokenServer, tokens};
use super::text::TOKEN_BYTES_MAX;
use crate::clock::Timestamp;
use crate::jose::{JoseError, SigningAlgorithm};
use crate::secret::SecretString;
use crate::store::rows::{AccessTokenRow, AuthenticationColumns};

/// RFC 9068 §2.1.
pub(super) const TYPE: &str = "at+jwt";

/// RFC 9068 §2.2.
#[derive(Serialize)]
pub(super) struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    iat: i64,
    exp: i64,
    jti: Uuid,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation<'a>>,
}

/// The key a token is bound to (RFC 9449 §6.1).
#[derive(Serialize)]
struct Confirmation<'a> {
    jkt: &'a str,
}

/// What a token is to say.
pub(super) struct Meaning<'a> {
    pub(super) id: [u8; 16],
    /// All but its hash.
    pub(super) row: &'a AccessTokenRow,
    /// Of the grant it rests on; none for a client's own.
    pub(super) authentication: Option<&'a AuthenticationColumns>,
    /// Whom it is meant for.
    pub(super) audience: &'a str,
}

impl TokenServer {
    /// What a token says. All of it is in its row and its grant's, but for the server's name and
    /// the audience's.
    pub(super) fn claims<'a>(&'a self, means: &Meaning<'a>) -> Claims<'a> {
        let Meaning {
            id,
            row,
            authentication,
            audience,
        } = *means;
        let seconds = |millis| Timestamp::from_millis(millis).as_secs();
        Claims {
            iss: &self.0.issuer,
            sub: row.user_id.as_deref().unwrap_or(&row.client_id),
            aud: audience,
            client_id: &row.client_id,
            iat: seconds(row.issued_at),
            exp: seconds(row.expires_at),
            jti: Uuid::from_bytes(id),
            scope: &row.scope,
            auth_time: authentication.map(|login| seconds(login.auth_time)),
            acr: authentication.and_then(|login| login.acr.as_deref()),
            amr: authentication
                .map(|login| tokens::amr(login.amr.as_deref()))
                .unwrap_or_default(),
            cnf: row.jkt.as_deref().map(|jkt| Confirmation { jkt }),
        }
    }

    /// The text of a token.
    pub(super) fn jwt_access_token(
        &self,
        means: &Meaning<'_>,
        algorithm: SigningAlgorithm,
    ) -> Result<SecretString, OAuthError> {
        self.sign(algorithm, TYPE, &self.claims(means))
            .map(SecretString::new)
    }

    /// Signs with the key of this algorithm that signs now.
    pub(in crate::oauth) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String, OAuthError> {
        self.0
            .keys
            .signing(algorithm)?
            .sign(typ, claims)
            .map_err(|error| match error {
                // What a client asks for and a user is called has bounds; together they may be too
                // much.
                JoseError::TooLong => OAuthError::InvalidScope,
                _ => {
                    tracing::error!(%error, "a token cannot be signed");
                    OAuthError::Unavailable
                }
            })
    }
}

/// The id of the row that a JWT says it has. Nothing else of it is looked at: if it is ours, its
/// hash tells.
pub(super) fn id(text: &str) -> Option<[u8; 16]> {
    #[derive(Deserialize)]
    struct Id {
        jti: Uuid,
    }
    if text.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let mut parts = text.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&payload)
        .ok()
        .map(|Id { jti }| jti.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_tells_its_id() {
        let jwt = |payload: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload));
        let uuid = "01890000-0000-7000-8000-00000000002a";
        let good = jwt(&format!(r#"{{"sub":"alice","jti":"{uuid}"}}"#));
        assert_eq!(id(&good), Some(uuid.parse::<Uuid>().unwrap().into_bytes()));
        for bad in [
            String::new(),
            "..".to_owned(),
            format!("{good}."),
            format!("{good}.x"),
            good.replace("e30.", ""),
            jwt("{}"),
            jwt("[]"),
            jwt(r#"{"jti":7}"#),
            jwt(r#"{"jti":"x"}"#),
            jwt(&format!(r#"{{"jti":"{uuid}","jti":"{uuid}"}}"#)),
            jwt(&format!(
                r#"{{"jti":"{uuid}","x":"{}"}}"#,
                "x".repeat(TOKEN_BYTES_MAX)
            )),
        ] {
            assert_eq!(id(&bad), None, "{bad}");
        }
    }
}
