//! What clients are told when a log-in ends (OpenID Connect Back-Channel Logout).

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::Base;
use crate::callbacks::Callbacks;
use crate::ids::{ClientId, LoginSessionId, uuid_v7};
use crate::oauth::issuer::Issuer;
use crate::oauth::keys::SigningKeys;
use crate::oauth::model::LoginSession;
use crate::store::rows::CallbackRow;

/// The `typ` of the header (§2.4).
const TYPE: &str = "logout+jwt";

/// How long a logout token is good: as long as it is tried to send it. Whoever came by one could only
/// repeat that a log-in has ended which has.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// §2.4.
#[derive(Serialize)]
struct LogoutToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: Uuid,
    events: Value,
    sid: LoginSessionId,
}

/// Makes notices.
#[derive(Clone)]
pub(super) struct LogoutNotices {
    base: Base,
    issuer: Issuer,
    pub(super) keys: Arc<SigningKeys>,
}

impl LogoutNotices {
    pub(super) fn new(base: &Base, issuer: &Issuer, keys: &Arc<SigningKeys>) -> Self {
        Self {
            base: base.clone(),
            issuer: issuer.clone(),
            keys: keys.clone(),
        }
    }

    /// What this client is told of the end of a login; `None` where it does not want to know any more,
    /// or nothing can be signed.
    ///
    /// [`SigningKeys::ensure`] must have been called.
    pub(super) fn notice(&self, client_id: &str, session: &LoginSession) -> Option<CallbackRow> {
        let settings = self.base.settings.load();
        let client = settings.web_clients.get(&ClientId::new(client_id).ok()?)?;
        let address = client.backchannel_logout_uri.clone()?;

        let (now, random) = (self.base.clock.now(), self.base.random.as_ref());
        let token = LogoutToken {
            iss: self.issuer.as_str(),
            sub: session.login.user_id.as_str(),
            aud: client_id,
            iat: now.as_secs(),
            exp: now.after(LIFETIME).as_secs(),
            jti: uuid_v7(now, random),
            events: json!({ "http://schemas.openid.net/event/backchannel-logout": {} }),
            sid: session.id,
        };

        // As the client's ID tokens, which it can verify.
        let algorithm = client.tokens.id_token_algorithm();
        let signed = self.keys.sign(algorithm, TYPE, &token).ok()?;
        Some(Callbacks::logout_row(signed.into(), address, now, random))
    }
}
