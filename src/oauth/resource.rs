//! Which resource server a token is for (RFC 8707). Pure.

use std::sync::Arc;

use super::clients::Client;
use super::error::OAuthError;
use crate::settings::{ResourceServer, Settings};

/// The resource server that is asked for, if this client may have tokens for it.
pub(super) fn requested(
    settings: &Settings,
    client: &Client,
    resource: Option<&str>,
) -> Result<Option<Arc<ResourceServer>>, OAuthError> {
    let Some(resource) = resource else {
        return Ok(None);
    };
    let server = settings.resource_server_by_audience(resource);

    server
        // Forbidden looks like unknown: a client does not find out which resource servers there
        // are.
        .filter(|server| server.permits(client.party()))
        .cloned()
        .map(Some)
        .ok_or(OAuthError::InvalidTarget)
}

/// The resource server of a token that rests on a grant: the grant's, if it has one, otherwise the
/// one that is asked for.
pub(super) fn within(
    settings: &Settings,
    client: &Client,
    granted: Option<&str>,
    resource: Option<&str>,
) -> Result<Option<Arc<ResourceServer>>, OAuthError> {
    let requested = requested(settings, client, resource)?;
    let Some(granted) = granted else {
        return Ok(requested);
    };
    if requested.is_some_and(|server| server.id != granted) {
        return Err(OAuthError::InvalidTarget);
    }

    // It may have been reconfigured since the grant was made.
    let server = settings.resource_servers.get(granted);

    server
        .filter(|server| server.permits(client.party()))
        .cloned()
        .map(Some)
        .ok_or(OAuthError::InvalidTarget)
}

/// The `aud` of a token; `None` where its resource server is not configured any more.
pub(super) fn audience<'a>(
    settings: &'a Settings,
    issuer: &'a str,
    resource_server: Option<&str>,
) -> Option<&'a str> {
    match resource_server {
        None => Some(issuer),
        Some(id) => {
            let server = settings.resource_servers.get(id)?;
            Some(&server.audience)
        }
    }
}
