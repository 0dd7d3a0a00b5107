//! A user's tokens on a device without a browser, for a code whose user has been asked elsewhere
//! (RFC 8628 §3.4).

use super::super::authorization::{self, PollVerdict, decide_poll};
use super::super::persist::FoundCode;
use super::super::{OAuthError, TokenResponse, TokenServer};
use super::{TokenRequest, authorization_code, check_grant_type};
use crate::secret::TokenKind;
use crate::settings::GrantType;
use crate::store::rows::{AuthorizationRow, DeviceCodeRow};

pub(super) async fn exchange(
    server: &TokenServer,
    request: &TokenRequest,
) -> Result<TokenResponse, OAuthError> {
    let device_code = request
        .device_code
        .as_ref()
        .ok_or(OAuthError::InvalidRequest("device_code: is required."))?;
    let token_client = server.authenticate_token_client(request).await?;
    check_grant_type(&token_client.client, GrantType::DeviceCode)?;
    let hash = server
        .0
        .base
        .keyring
        .token_hash(TokenKind::DeviceCode, device_code.expose());
    let found = authorization::find_device_code(&server.0.base.store, hash).await?;
    let now = server.0.base.clock.now();
    let verdict = found.map(|row| (decide_poll(&row, token_client.client.id(), now), row));
    if let Some((PollVerdict::Redeem, row)) = verdict {
        let found = FoundCode {
            row: as_code(row),
            profile_id: None,
        };
        return authorization_code::redeem(server, request, token_client, found).await;
    }
    server.use_up(token_client.assertions).await?;
    match verdict {
        Some((PollVerdict::Pending, row)) => {
            let interval = row.interval_seconds;
            Err(wait(server, row, interval, OAuthError::AuthorizationPending).await?)
        }
        Some((PollVerdict::SlowDown(interval), row)) => {
            Err(wait(server, row, interval, OAuthError::SlowDown).await?)
        }
        Some((PollVerdict::Denied, _)) => Err(OAuthError::AccessDenied),
        Some((PollVerdict::Expired, _)) => Err(OAuthError::ExpiredToken),
        Some((PollVerdict::Refuse | PollVerdict::Redeem, _)) | None => {
            Err(OAuthError::InvalidGrant)
        }
    }
}

/// Takes note that the device has asked. Of two that ask at once, one has asked too early.
async fn wait(
    server: &TokenServer,
    row: DeviceCodeRow,
    interval: i32,
    answer: OAuthError,
) -> Result<OAuthError, OAuthError> {
    let now = server.0.base.clock.now().as_millis();
    let first = authorization::note_poll(&server.0.base.store, row, now, interval).await?;
    Ok(if first { answer } else { OAuthError::SlowDown })
}

/// What a code of a redirect would have been.
fn as_code(row: DeviceCodeRow) -> AuthorizationRow {
    AuthorizationRow {
        device_code_id: Some(row.id.clone()),
        id: row.id,
        client_id: row.client_id,
        scope: row.scope,
        resource_server: row.resource_server,
        user_id: row.user_id,
        amr: row.amr,
        acr: row.acr,
        auth_time: row.auth_time,
        created_at: row.created_at,
        expires_at: row.expires_at,
        ..AuthorizationRow::default()
    }
}
