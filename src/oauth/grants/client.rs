//! Which client asks for tokens, and how it may get them.

use super::request::TokenRequest;
use crate::oauth::clients::{AuthenticatedClient, Client, Clients, Credentials};
use crate::oauth::error::{OAuthError, ProofRefusal};
use crate::oauth::replay;
use crate::settings::GrantType;

/// Finds out which client asks for a token, and which key it proves.
pub(super) async fn authenticate(
    clients: &Clients,
    request: &TokenRequest,
) -> Result<AuthenticatedClient, OAuthError> {
    let authenticated = clients
        .authenticate_with_proof(&request.credentials, request.dpop.as_ref(), "/oauth/token")
        .await?;

    // The assertion counts as used: without that the request could be repeated with a proof.
    let must_prove = authenticated.client.policy().dpop_bound_access_tokens;
    if must_prove && authenticated.jkt.is_none() {
        clients.use_up(authenticated.used).await?;
        return Err(ProofRefusal::Missing.into());
    }

    Ok(authenticated)
}

/// The same for a grant that a client uses in its own name, for which it needs a credential.
pub(super) async fn authenticate_confidential(
    clients: &Clients,
    request: &TokenRequest,
    grant_type: GrantType,
) -> Result<AuthenticatedClient, OAuthError> {
    let authenticated = authenticate(clients, request).await?;
    if authenticated.client.is_public() {
        return Err(OAuthError::UnauthorizedClient(
            "A public client cannot use this grant_type.",
        ));
    }

    check_grant_type(&authenticated.client, grant_type)?;

    Ok(authenticated)
}

/// Whether a client may use a grant.
pub(super) fn check_grant_type(client: &Client, grant_type: GrantType) -> Result<(), OAuthError> {
    if client.may_use(grant_type) {
        Ok(())
    } else {
        Err(OAuthError::UnauthorizedClient(
            "The client is not configured for this grant_type.",
        ))
    }
}

/// The key that a client's refresh tokens are bound to. Those of clients with credentials are bound
/// to the credentials anyway (RFC 9449 §5).
pub(super) fn refresh_token_jkt(authenticated: &AuthenticatedClient) -> Option<String> {
    let jkt = authenticated.jkt.as_ref()?;
    authenticated.client.is_public().then(|| jkt.clone())
}

/// The error where something that a request proved itself with was used before. Where there was
/// nothing but a DPoP proof, it was that.
pub(super) fn replayed(request: &TokenRequest) -> OAuthError {
    match (&request.credentials, &request.dpop) {
        (Credentials::Secret { .. } | Credentials::Public { .. }, Some(_)) => {
            ProofRefusal::Replayed.into()
        }
        _ => replay::refused(),
    }
}
