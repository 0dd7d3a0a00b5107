//! A client's own token (RFC 6749 §4.4).

use super::super::dpop::TokenClient;
use super::super::tokens::Issue;
use super::super::{OAuthError, TokenResponse, TokenServer, persist, scope};
use super::{TokenRequest, check_grant_type, replayed};
use crate::settings::GrantType;
use crate::users::events::EventType;

pub(super) async fn exchange(
    server: &TokenServer,
    request: &TokenRequest,
) -> Result<TokenResponse, OAuthError> {
    let TokenClient {
        client,
        assertions,
        jkt,
    } = server.authenticate_token_client(request).await?;
    if client.is_public() {
        return Err(OAuthError::UnauthorizedClient(
            "A public client has no tokens of its own.",
        ));
    }
    check_grant_type(&client, GrantType::ClientCredentials)?;
    let default = || client.default_own_scope();
    let scope = scope::decide(request.scope.as_deref(), default, |name| {
        client.may_have(name)
    })?;
    let resource_server = server.resource_server(&client, request.resource.as_deref())?;
    let issue = Issue {
        client: &client,
        grant: None,
        scope: &scope,
        resource_server: resource_server.as_deref(),
        jkt,
    };
    let token = server.new_access_token(issue)?;
    let event = server.token_event(
        EventType::TokenRequestAccessTokenCreated,
        &client,
        None,
        server.0.base.clock.now(),
    );
    if !persist::issue_own_token(&server.0.base.store, assertions, token.row.clone(), event).await?
    {
        return Err(replayed(request));
    }
    Ok(TokenResponse::new(token))
}
