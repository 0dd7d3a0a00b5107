//! New tokens for a refresh token (RFC 6749 §6), with the proof its authenticator asks for.

use std::time::Duration;

use super::super::clients::Client;
use super::super::dpop::TokenClient;
use super::super::persist::{self, Refresh, Refreshed};
use super::super::tokens::rotation::{self, RotationVerdict};
use super::super::tokens::text::{parse_refresh_token, refresh_token};
use super::super::tokens::{Issue, NewAccessToken};
use super::super::{OAuthError, TokenResponse, TokenServer, scope};
use super::{TokenRequest, bind, check_grant_type, replayed};
use crate::devices::{AuthenticatorName, FailedTry, ProofError, ProofOf, TryOutcome};
use crate::ids::UserId;
use crate::jose::PublicJwk;
use crate::secret::SecretString;
use crate::settings::GrantType;
use crate::store::journal::{AuthenticatorSuccess, RefreshRotation};
use crate::store::rows::{AssertionIdRow, LiveRefreshToken};
use crate::users::events::EventType;

/// The class of refresh tokens that no authenticator protects.
pub(in crate::oauth) const DEFAULT: &str = "default";
/// How often somebody else may be faster with the same token. From the second time on the successor
/// is there to be repeated.
const RACES_MAX: usize = 4;

/// A refresh token that was presented by the client it was issued to.
pub(super) struct Presented {
    pub(super) client: Client,
    pub(super) live: LiveRefreshToken,
    pub(super) generation: i32,
    /// Still to be recorded.
    pub(super) assertions: Vec<AssertionIdRow>,
    /// The key that was proved.
    pub(super) jkt: Option<String>,
    /// Whose failures are forgotten when the refresh succeeds.
    pub(super) proven: Option<AuthenticatorSuccess>,
}

pub(super) async fn exchange(
    server: &TokenServer,
    request: &TokenRequest,
) -> Result<TokenResponse, OAuthError> {
    let Some(text) = &request.refresh_token else {
        return Err(OAuthError::InvalidRequest("refresh_token: is required."));
    };
    let token_client = server.authenticate_token_client(request).await?;
    check_grant_type(&token_client.client, GrantType::RefreshToken)?;
    let mut presented = find(server, token_client, text).await?;
    refuse_reuse(server, &presented).await?;
    if presented.live.refresh_token.authenticator != DEFAULT {
        prove(server, &mut presented, text, request.proof.as_ref()).await?;
    }
    if let Some(wanted) = &request.authenticator {
        return bind::exchange(server, request, presented, wanted).await;
    }
    if must_be_bound(&presented) {
        server.use_up(presented.assertions).await?;
        return Err(OAuthError::UnboundRefreshToken);
    }
    for _ in 0..RACES_MAX {
        match refresh(server, request, &mut presented).await? {
            Some(response) => return Ok(response),
            None => reload(server, &mut presented).await?,
        }
    }
    Err(OAuthError::Unavailable)
}

/// The family of a token, if it is alive and this client's.
async fn find(
    server: &TokenServer,
    token_client: TokenClient,
    text: &SecretString,
) -> Result<Presented, OAuthError> {
    let TokenClient {
        client,
        assertions,
        jkt,
    } = token_client;
    let parsed = parse_refresh_token(&server.0.keyring, text.expose());
    let live = match parsed {
        Some((id, _)) => server.0.refresh_tokens.find(id.to_vec()).await?,
        None => None,
    };
    let is_theirs = |live: &LiveRefreshToken| {
        let same_key = live.refresh_token.jkt.is_none() || live.refresh_token.jkt == jkt;
        live.grant.client_id == client.id() && same_key
    };
    match (parsed, live.filter(is_theirs)) {
        (Some((_, generation)), Some(live)) => Ok(Presented {
            client,
            live,
            generation,
            assertions,
            jkt,
            proven: None,
        }),
        _ => {
            server.use_up(assertions).await?;
            Err(OAuthError::InvalidGrant)
        }
    }
}

async fn reload(server: &TokenServer, presented: &mut Presented) -> Result<(), OAuthError> {
    let id = presented.live.refresh_token.id.clone();
    presented.live = server
        .0
        .refresh_tokens
        .find(id)
        .await?
        .ok_or(OAuthError::InvalidGrant)?;
    refuse_reuse(server, presented).await
}

fn verdict(server: &TokenServer, presented: &Presented) -> RotationVerdict {
    let grace = Duration::from_secs(u64::from(
        server.0.settings.load().tokens.refresh_grace_seconds,
    ));
    rotation::decide(
        &presented.live.refresh_token,
        presented.generation,
        grace,
        server.0.clock.now(),
    )
}

/// A token that was used before takes with it everything that rests on its grant.
async fn refuse_reuse(server: &TokenServer, presented: &Presented) -> Result<(), OAuthError> {
    let event_type = match verdict(server, presented) {
        RotationVerdict::Rotate | RotationVerdict::Repeat => return Ok(()),
        RotationVerdict::Expired => {
            server.use_up(presented.assertions.clone()).await?;
            return Err(OAuthError::InvalidGrant);
        }
        RotationVerdict::Reused => EventType::TokenRequestInvalidRefreshToken,
    };
    server.use_up(presented.assertions.clone()).await?;
    let grant = &presented.live.grant;
    let event = server.token_event(
        event_type,
        &presented.client,
        Some(&grant.user_id),
        server.0.clock.now(),
    );
    persist::revoke_grant(&server.0.store, grant.id.clone(), event).await?;
    Err(OAuthError::InvalidGrant)
}

/// Has the authenticator that the token belongs to prove that it is there. The try is counted
/// before anybody looks.
async fn prove(
    server: &TokenServer,
    presented: &mut Presented,
    text: &SecretString,
    proof: Option<&SecretString>,
) -> Result<(), OAuthError> {
    let proof = proof.ok_or(OAuthError::InvalidRequest(
        "proof: is required for a refresh token of this authenticator.",
    ))?;
    let purpose = ProofOf::RefreshToken(text.expose());
    purpose
        .check_claims(proof.expose(), server.0.clock.now())
        .map_err(|error| OAuthError::InvalidProof {
            error,
            attempts_left: None,
        })?;
    let LiveRefreshToken {
        refresh_token,
        grant,
        authenticator_key,
    } = &presented.live;
    let gone = OAuthError::AuthenticatorGone;
    let key = authenticator_key
        .as_deref()
        .and_then(|jwk| PublicJwk::from_json(jwk).ok())
        .ok_or(gone)?;
    let name: AuthenticatorName = refresh_token.authenticator.parse().map_err(|_| gone)?;
    let Client::Installation { device, .. } = &presented.client else {
        return Err(gone);
    };
    let user = UserId::new(&grant.user_id).map_err(|_| gone)?;
    let assertions = std::mem::take(&mut presented.assertions);
    match server
        .0
        .devices
        .begin_try(device, &user, &name, assertions)
        .await?
    {
        TryOutcome::Begun => {}
        TryOutcome::Replayed => return Err(OAuthError::InvalidClient),
        TryOutcome::NotAllowed => return Err(gone),
        TryOutcome::Exhausted => return Err(exhausted(&name)),
    }
    if purpose.is_by(&key, proof.expose()) {
        presented.proven = Some(AuthenticatorSuccess {
            device_id: grant.client_id.clone(),
            user_id: grant.user_id.clone(),
            name: refresh_token.authenticator.clone(),
        });
        return Ok(());
    }
    match server.0.devices.fail_try(device, &user, &name).await? {
        FailedTry::Left(attempts_left) => Err(OAuthError::InvalidProof {
            error: ProofError::Signature,
            attempts_left,
        }),
        FailedTry::Exhausted => Err(exhausted(&name)),
        FailedTry::Gone => Err(gone),
    }
}

/// What wrong proofs that used up the tries have cost.
fn exhausted(name: &AuthenticatorName) -> OAuthError {
    match name {
        AuthenticatorName::Pin => OAuthError::UserDisconnected,
        AuthenticatorName::Fingerprint | AuthenticatorName::Custom(_) => {
            OAuthError::AuthenticatorGone
        }
    }
}

/// Where the application has PINs, a token that no authenticator protects is good for nothing but
/// to be bound to one.
pub(super) fn must_be_bound(presented: &Presented) -> bool {
    let Client::Installation { application, .. } = &presented.client else {
        return false;
    };
    application.pin.enabled && presented.live.refresh_token.authenticator == DEFAULT
}

/// `None`: somebody else was faster, and the family has to be looked at again.
async fn refresh(
    server: &TokenServer,
    request: &TokenRequest,
    presented: &mut Presented,
) -> Result<Option<TokenResponse>, OAuthError> {
    let access_token = access_token(server, request, presented)?;
    let LiveRefreshToken {
        refresh_token: family,
        grant,
        ..
    } = &presented.live;
    let now = server.0.clock.now();
    let (rotation, generation) = match verdict(server, presented) {
        RotationVerdict::Rotate => {
            let expires_at = now
                .after(presented.client.policy().refresh_token_lifetime())
                .as_millis();
            let rotation = RefreshRotation {
                id: family.id.clone(),
                generation: family.generation,
                issued_at: now.as_millis(),
                expires_at: expires_at.min(grant.expires_at),
            };
            (Some(rotation), family.generation.saturating_add(1))
        }
        RotationVerdict::Repeat => (None, family.generation),
        RotationVerdict::Reused | RotationVerdict::Expired => return Err(OAuthError::InvalidGrant),
    };
    let id_token = server.id_token(&presented.client, grant, None, access_token.text.expose())?;
    let user = Some(grant.user_id.as_str());
    let refresh = Refresh {
        assertions: presented.assertions.clone(),
        rotation: rotation.clone(),
        access_token: access_token.row.clone(),
        proven: presented.proven.clone(),
        event: server.token_event(
            EventType::TokenRequestAccessTokenRefreshed,
            &presented.client,
            user,
            now,
        ),
    };
    match persist::refresh(&server.0.store, refresh).await? {
        Refreshed::Issued => {}
        Refreshed::Replayed => return Err(replayed(request)),
        Refreshed::Overtaken => {
            // They count as seen from now on.
            presented.assertions.clear();
            return Ok(None);
        }
    }
    // A rotation is refused where the family has ended; a repetition has changed nothing that could
    // be.
    if rotation.is_none()
        && !persist::confirm_repetition(&server.0.store, family, &access_token.row).await?
    {
        return Err(OAuthError::InvalidGrant);
    }
    let successor = refresh_token(&server.0.keyring, &family.id, generation);
    Ok(Some(TokenResponse {
        refresh_token: Some(successor),
        id_token,
        ..TokenResponse::new(access_token)
    }))
}

/// An access token that rests on a grant, with the scopes asked for or all of the grant's.
pub(super) fn access_token(
    server: &TokenServer,
    request: &TokenRequest,
    presented: &Presented,
) -> Result<NewAccessToken, OAuthError> {
    let Presented {
        client,
        live: LiveRefreshToken { grant, .. },
        jkt,
        ..
    } = presented;
    let granted = |name: &str| scope::contains(&grant.scope, name);
    let scope = scope::decide(request.scope.as_deref(), || grant.scope.clone(), granted)?;
    let resource = request.resource.as_deref();
    let resource_server =
        server.resource_server_within(client, grant.resource_server.as_deref(), resource)?;
    let issue = Issue {
        client,
        grant: Some(grant),
        scope: &scope,
        resource_server: resource_server.as_deref(),
        jkt: jkt.clone(),
    };
    server.new_access_token(issue)
}
