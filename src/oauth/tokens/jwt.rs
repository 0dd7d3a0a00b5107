//! Access tokens that say what they mean (RFC 9068).
//!
//! They have a row like all others, with a hash of the whole text. This server recognises them by
//! that, which is cheaper than to verify a signature and knows of revocation. What was signed a
//! second time is in `remade`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{AccessTokenId, UserId};
use crate::oauth::model::{AccessToken, Actor, Authentication, Claims as UserClaims};
use crate::secret::Keyring;
use crate::settings::ResourceServer;
use crate::store::CorruptRow;

/// The `typ` of the header (RFC 9068 §2.1).
pub(super) const TYPE: &str = "at+jwt";
/// The longest text that can be a token, in bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

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
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation<'a>>,
    /// RFC 8693 §4.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Actor>,
    #[serde(flatten)]
    user: UserClaims,
}

/// The key a token is bound to (RFC 9449 §6.1).
#[derive(Serialize)]
struct Confirmation<'a> {
    jkt: &'a str,
}

impl<'a> Claims<'a> {
    /// What a token says. All of it is in its row and its grant's, except for the names of the
    /// server and the audience. `user` is what [`user_claims`] gives.
    pub(super) fn of(
        token: &'a AccessToken,
        authentication: Option<&'a Authentication>,
        user: UserClaims,
        issuer: &'a str,
        audience: &'a str,
    ) -> Self {
        Self {
            iss: issuer,
            sub: token.user_id().map_or(&token.client.id, UserId::as_str),
            aud: audience,
            client_id: &token.client.id,
            iat: token.issued_at.as_secs(),
            exp: token.expires_at.as_secs(),
            jti: token.id.as_uuid(),
            scope: &token.scope,
            auth_time: authentication.map(|authentication| authentication.time.as_secs()),
            acr: authentication.and_then(|authentication| authentication.acr.as_deref()),
            amr: authentication.map_or(&[], |authentication| &authentication.amr),
            cnf: token.jkt.as_deref().map(|jkt| Confirmation { jkt }),
            act: Actor::of(&token.actors),
            user,
        }
    }
}

/// What a resource server is told of the user.
pub(super) fn user_claims(
    keyring: &Keyring,
    user: Option<&UserId>,
    authentication: Option<&Authentication>,
    resource_server: Option<&ResourceServer>,
) -> Result<UserClaims, CorruptRow> {
    match (user, authentication, resource_server) {
        (Some(user), Some(authentication), Some(server)) if !server.claims.is_empty() => {
            let claims = authentication.claims(keyring, user)?;
            Ok(claims.named(&server.claims))
        }
        _ => Ok(UserClaims::default()),
    }
}

/// The id of the row that a JWT names. Nothing else of it is read: its hash tells whether it is
/// ours.
pub(super) fn id(text: &str) -> Option<AccessTokenId> {
    #[derive(Deserialize)]
    struct Id {
        jti: Uuid,
    }

    // Before it is decoded, which copies it.
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
    let Id { jti } = serde_json::from_slice(&payload).ok()?;
    Some(AccessTokenId::from_bytes(jti.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_tells_its_id() {
        let jwt = |payload: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload));
        let uuid = "01890000-0000-7000-8000-00000000002a";
        let good = jwt(&format!(r#"{{"sub":"alice","jti":"{uuid}"}}"#));
        let expected = uuid.parse::<Uuid>().unwrap().into_bytes();
        assert_eq!(id(&good), Some(AccessTokenId::from_bytes(expected)));

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
