//! A user's token on an installation, for an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).

use super::super::persist::{self, Redemption};
use super::super::{OAuthError, TokenResponse, TokenServer, scope};
use super::TokenRequest;
use crate::secret::TokenKind;

pub(super) async fn exchange(server: &TokenServer, request: &TokenRequest) -> Result<TokenResponse, OAuthError> {
    let (Some(code), Some(redirect_uri), Some(code_verifier)) =
        (&request.code, &request.redirect_uri, &request.code_verifier)
    else {
        return Err(OAuthError::InvalidRequest("`code`, `redirect_uri` and `code_verifier` are required."));
    };
    let installation = server.authenticate_installation(&request.credentials).await?;
    let token = server.new_access_token(&installation.device.id, scope::DEVICE_AND_USER);
    let redemption = Redemption {
        assertion: installation.assertion,
        code_hash: server.0.keyring.token_hash(TokenKind::AuthorizationCode, code.expose()),
        redirect_uri: redirect_uri.clone(),
        code_verifier: code_verifier.clone(),
        token: token.row,
        event: token.event,
        now: server.0.clock.now(),
    };
    let redeemed = persist::redeem_code(&server.0.store, redemption).await?;
    let profile_id = redeemed.ok_or(OAuthError::InvalidGrant)?;
    Ok(TokenResponse::new(token.text, scope::DEVICE_AND_USER, profile_id))
}
