//! Ending tokens before their time: one, all of a client, all for a resource server; those of a
//! user are `users`' matter.
//!
//! Nothing is marked as revoked. What a token rests on is deleted, or the epoch it was made under
//! is over; each door looks at both in the read that finds the token, so that on no node anything
//! of it is alive when the call has returned.

mod persist;
mod portal;
mod reach;

use super::clients::{AuthenticatedClient, Credentials};
use super::tokens::text;
use super::{OAuthError, TokenServer};
use crate::secret::SecretString;
use crate::users::events::EventType;

pub use portal::{PortalConsent, PortalToken, PortalTokenType};
pub use reach::ReachError;

/// A request to the revocation endpoint (RFC 7009 §2.1). The hint is not among its parts: a token's
/// form tells its kind.
#[derive(Clone, Debug)]
pub struct RevocationRequest {
    pub credentials: Credentials,
    /// `token`.
    pub token: SecretString,
}

impl TokenServer {
    /// Ends a token of the client that asks (RFC 7009).
    ///
    /// An access token goes alone; the refresh token beside it stays. With a refresh token,
    /// whichever of its family, the grant ends and everything that rests on it, if the family is
    /// that of no authenticator or the only one; else the family ends and the grant's access
    /// tokens, and the user stays logged in by the other authenticators.
    ///
    /// # Errors
    /// The client did not prove who it is, or the database did not do its part: then the token may
    /// be alive. That the token is unknown, has ended or is another client's is no error: nothing
    /// happens, and the answer does not tell which.
    pub async fn revoke(&self, request: &RevocationRequest) -> Result<(), OAuthError> {
        let AuthenticatedClient { client, assertions } =
            self.authenticate_client(&request.credentials).await?;
        self.use_up(assertions).await?;
        let presented = request.token.expose();
        let now = self.0.base.clock.now();
        let event = |event_type| self.token_event(event_type, &client, None, now);
        if let Some((id, _)) = text::parse_refresh_token(&self.0.base.keyring, presented) {
            let event = event(EventType::TokenRevokeRefreshTokenSuccess);
            persist::revoke_refresh_token(&self.0.base.store, id, client.id(), event).await?;
        } else if let Some(live) = self.unrevoked_access_token(presented).await? {
            let event = event(EventType::TokenRevokeAccessTokenSuccess);
            persist::revoke_access_token(&self.0.base.store, live.token.id, client.id(), event)
                .await?;
        }
        Ok(())
    }
}

/// Whether the end of a family of refresh tokens is the end of the grant.
fn ends_grant(authenticator: &str, families: i64) -> bool {
    authenticator == super::grants::NO_AUTHENTICATOR || families <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_beside_others_ends_alone_unless_it_is_nobodys() {
        for (authenticator, families, expected) in [
            ("default", 1, true),
            ("default", 3, true),
            ("pin", 1, true),
            ("pin", 2, false),
            ("fingerprint", 2, false),
            ("custom:default", 2, false),
        ] {
            assert_eq!(
                ends_grant(authenticator, families),
                expected,
                "{authenticator} of {families}"
            );
        }
    }
}
