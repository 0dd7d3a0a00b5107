//! An installation's own token (RFC 6749 §4.4).

use super::super::{OAuthError, TokenResponse, TokenServer, persist, scope};
use super::TokenRequest;

pub(super) async fn exchange(server: &TokenServer, request: &TokenRequest) -> Result<TokenResponse, OAuthError> {
    if !scope::is_within(request.scope.as_deref(), scope::DEVICE) {
        return Err(OAuthError::InvalidScope);
    }
    let installation = server.authenticate_installation(&request.credentials).await?;
    let token = server.new_access_token(&installation.device.id, scope::DEVICE);
    if !persist::issue_device_token(&server.0.store, installation.assertion, token.row, token.event).await? {
        return Err(OAuthError::InvalidClient);
    }
    Ok(TokenResponse::new(token.text, scope::DEVICE, None))
}
