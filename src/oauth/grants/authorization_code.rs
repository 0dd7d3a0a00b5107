//! A user's tokens, for an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).

use super::super::authorization::{CodeVerdict, PresentedCode, decide_code};
use super::super::clients::Client;
use super::super::dpop::TokenClient;
use super::super::persist::{self, FoundCode, Login, Redeemed};
use super::super::tokens::Issue;
use super::super::tokens::text::refresh_token;
use super::super::{OAuthError, TokenResponse, TokenServer};
use super::{TokenRequest, check_grant_type, replayed};
use crate::clock::Timestamp;
use crate::ids::uuid_v7;
use crate::secret::TokenKind;
use crate::settings::GrantType;
use crate::store::rows::{AuthorizationRow, GrantRow, RefreshTokenRow};
use crate::users::events::EventType;

/// How long a token of the class `default` can be bound to an authenticator where the application
/// has PINs.
const BINDING_TIME_TO_LIVE: std::time::Duration = std::time::Duration::from_secs(900);

pub(super) async fn exchange(
    server: &TokenServer,
    request: &TokenRequest,
) -> Result<TokenResponse, OAuthError> {
    let (Some(code), Some(redirect_uri), Some(code_verifier)) =
        (&request.code, &request.redirect_uri, &request.code_verifier)
    else {
        return Err(OAuthError::InvalidRequest(
            "`code`, `redirect_uri` and `code_verifier` are required.",
        ));
    };
    let token_client = server.authenticate_token_client(request).await?;
    let client = &token_client.client;
    check_grant_type(client, GrantType::AuthorizationCode)?;
    let hash = server
        .0
        .base
        .keyring
        .token_hash(TokenKind::AuthorizationCode, code.expose());
    let Some(found) = persist::find_code(&server.0.base.store, hash).await? else {
        server.use_up(token_client.assertions).await?;
        return Err(OAuthError::InvalidGrant);
    };
    let presented = PresentedCode {
        client_id: client.id(),
        redirect_uri,
        code_verifier: code_verifier.expose(),
        jkt: token_client.jkt.as_deref(),
    };
    match decide_code(&found.row, &presented, server.0.base.clock.now()) {
        CodeVerdict::Redeem => redeem(server, request, token_client, found).await,
        CodeVerdict::Burn => {
            persist::burn_code(&server.0.base.store, token_client.assertions, &found.row).await?;
            Err(OAuthError::InvalidGrant)
        }
        CodeVerdict::Revoke => {
            server.use_up(token_client.assertions).await?;
            revoke_issued(server, &token_client.client, &found.row).await
        }
        CodeVerdict::Refuse => {
            server.use_up(token_client.assertions).await?;
            Err(OAuthError::InvalidGrant)
        }
    }
}

/// Gives the tokens of a code, or of a device's, that is right.
pub(super) async fn redeem(
    server: &TokenServer,
    request: &TokenRequest,
    token_client: TokenClient,
    found: FoundCode,
) -> Result<TokenResponse, OAuthError> {
    let refresh_token_jkt = token_client.refresh_token_jkt().map(str::to_owned);
    let TokenClient {
        client,
        assertions,
        jkt,
    } = token_client;
    let now = server.0.base.clock.now();
    let FoundCode { row, profile_id } = found;
    let resource = request.resource.as_deref();
    let resource_server =
        server.resource_server_within(&client, row.resource_server.as_deref(), resource)?;
    let grant = new_grant(server, &client, &row, now)?;
    if server.is_disabled(&grant.user_id).await? {
        server.use_up(assertions).await?;
        return Err(OAuthError::InvalidGrant);
    }
    let issue = Issue {
        client: &client,
        grant: Some(&grant),
        scope: &grant.scope,
        resource_server: resource_server.as_deref(),
        jkt,
    };
    let access_token = server.new_access_token(issue)?;
    let family = client.may_use(GrantType::RefreshToken).then(|| {
        let family = new_family(server, &client, &grant, now);
        RefreshTokenRow {
            jkt: refresh_token_jkt,
            ..family
        }
    });
    let id_token = server.id_token(
        &client,
        &grant,
        row.nonce.as_deref(),
        access_token.text.expose(),
    )?;
    let user = Some(grant.user_id.as_str());
    let event = server.token_event(
        EventType::TokenRequestAccessTokenCreated,
        &client,
        user,
        now,
    );
    let login = Login {
        assertions,
        code: row,
        grant,
        refresh_token: family.clone(),
        access_token: access_token.row.clone(),
        event,
    };
    match persist::redeem_code(&server.0.base.store, login).await? {
        Redeemed::Issued => {}
        Redeemed::Replayed => return Err(replayed(request)),
        // Somebody else presented it since it was read: this is the second use.
        Redeemed::UsedBefore(row) => return revoke_issued(server, &client, &row).await,
    }
    let text = |family: RefreshTokenRow| {
        refresh_token(&server.0.base.keyring, &family.id, family.generation)
    };
    Ok(TokenResponse {
        refresh_token: family.map(text),
        id_token,
        profile_id,
        ..TokenResponse::new(access_token)
    })
}

fn new_grant(
    server: &TokenServer,
    client: &Client,
    code: &AuthorizationRow,
    now: Timestamp,
) -> Result<GrantRow, OAuthError> {
    let policy = client.policy();
    let end = if client.may_use(GrantType::RefreshToken) {
        policy.refresh_token_max_lifetime()
    } else {
        policy.access_token_lifetime()
    };
    Ok(GrantRow {
        id: uuid_v7(now, server.0.base.random.as_ref())
            .into_bytes()
            .to_vec(),
        client_id: client.id().to_owned(),
        application_id: client.application_id().map(str::to_owned),
        user_id: code.user_id.clone().ok_or(OAuthError::InvalidGrant)?,
        scope: code.scope.clone(),
        resource_server: code.resource_server.clone(),
        amr: code.amr.clone(),
        acr: code.acr.clone(),
        auth_time: code.auth_time.unwrap_or(now.as_millis()),
        created_at: now.as_millis(),
        expires_at: now.after(end).as_millis(),
    })
}

/// Where the application has PINs, the first token only lives to be bound to one.
fn new_family(
    server: &TokenServer,
    client: &Client,
    grant: &GrantRow,
    now: Timestamp,
) -> RefreshTokenRow {
    let lifetime = match client {
        Client::Installation { application, .. } if application.pin.enabled => BINDING_TIME_TO_LIVE,
        _ => client.policy().refresh_token_lifetime(),
    };
    RefreshTokenRow {
        id: uuid_v7(now, server.0.base.random.as_ref())
            .into_bytes()
            .to_vec(),
        grant_id: grant.id.clone(),
        authenticator: super::refresh_token::DEFAULT.to_owned(),
        jkt: None,
        generation: 0,
        issued_at: now.as_millis(),
        expires_at: now.after(lifetime).as_millis().min(grant.expires_at),
    }
}

/// Takes back what a code was exchanged for, because it came a second time (RFC 6749 §4.1.2).
async fn revoke_issued(
    server: &TokenServer,
    client: &Client,
    code: &AuthorizationRow,
) -> Result<TokenResponse, OAuthError> {
    if let Some(grant) = code.grant_id.clone() {
        let now = server.0.base.clock.now();
        let user = code.user_id.as_deref();
        let event =
            server.token_event(EventType::TokenRequestInvalidAccessGrant, client, user, now);
        persist::revoke_grant(&server.0.base.store, grant, event).await?;
    }
    Err(OAuthError::InvalidGrant)
}
