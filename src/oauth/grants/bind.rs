//! A refresh token that belongs to an authenticator, for one that was presented and proven.
//!
//! The token presented stays as it is. Asked again, the answer is the same token: an answer that
//! was lost costs nothing.

use super::super::persist;
use super::super::tokens::text::refresh_token;
use super::super::{OAuthError, TokenResponse, TokenServer};
use super::refresh_token::{Presented, access_token, must_be_bound};
use super::{TokenRequest, replayed};
use crate::devices::AuthenticatorName;
use crate::ids::uuid_v7;
use crate::store::rows::RefreshTokenRow;
use crate::users::events::EventType;

pub(super) async fn exchange(
    server: &TokenServer,
    request: &TokenRequest,
    presented: Presented,
    wanted: &str,
) -> Result<TokenResponse, OAuthError> {
    let wanted: AuthenticatorName = wanted.parse().map_err(|_| {
        OAuthError::InvalidRequest("authenticator: must be `pin`, `fingerprint` or `custom:ID`.")
    })?;
    // To anything else it would be a way around the PIN, for whoever holds the phone after a
    // log-in.
    if must_be_bound(&presented) && wanted != AuthenticatorName::Pin {
        server.use_up(presented.assertions).await?;
        return Err(OAuthError::UnboundRefreshToken);
    }
    let access_token = access_token(server, request, &presented)?;
    let Presented {
        client,
        live,
        assertions,
        proven,
        ..
    } = presented;
    let now = server.0.base.clock.now();
    let expires_at = now
        .after(client.policy().refresh_token_lifetime())
        .as_millis();
    let family = RefreshTokenRow {
        id: uuid_v7(now, server.0.base.random.as_ref())
            .into_bytes()
            .to_vec(),
        grant_id: live.grant.id.clone(),
        authenticator: wanted.to_string(),
        jkt: live.refresh_token.jkt.clone(),
        generation: 0,
        issued_at: now.as_millis(),
        expires_at: expires_at.min(live.grant.expires_at),
    };
    let (device, user) = (live.grant.client_id.clone(), live.grant.user_id.clone());
    let family = persist::find_or_add_family(&server.0.base.store, family, device, user).await?;
    let family = family.ok_or(OAuthError::AuthenticatorGone)?;
    let event = server.token_event(
        EventType::TokenRequestAccessTokenCreated,
        &client,
        Some(&live.grant.user_id),
        now,
    );
    let refresh = persist::Refresh {
        assertions,
        rotation: None,
        access_token: access_token.row.clone(),
        proven,
        event,
    };
    if persist::refresh(&server.0.base.store, refresh).await? != persist::Refreshed::Issued {
        return Err(replayed(request));
    }
    let text = refresh_token(&server.0.base.keyring, &family.id, family.generation);
    Ok(TokenResponse {
        refresh_token: Some(text),
        ..TokenResponse::new(access_token)
    })
}
