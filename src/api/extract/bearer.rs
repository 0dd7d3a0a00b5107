//! Access tokens: `Bearer` (RFC 6750), or `DPoP` with a proof of the key that the token is bound to
//! (RFC 9449).

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};

use super::dpop;
use super::request::{Extract, Request};
use crate::api::error::ApiError;
use crate::api::openapi::{Operation, Scheme};
use crate::devices::RegistrationRefusal;
use crate::ids::{DeviceId, UserId};
use crate::oauth::{Bearer, PresentedToken, TokenType, UserInfo};
use crate::secret::SecretString;

/// The longest token that is looked up.
const TOKEN_BYTES_MAX: usize = 8192;

/// The access token of a device, or of a user on it.
pub(crate) struct DeviceToken {
    pub(crate) device_id: DeviceId,
}

/// The access token of a user on a device.
pub(crate) struct UserToken {
    pub(crate) device_id: DeviceId,
    pub(crate) user_id: UserId,
}

/// The access token of a user on a device, who has logged in or proved the PIN a moment ago.
pub(crate) struct FreshUserToken(pub(crate) UserToken);

/// The access token of a user, issued to any client with the scope `openid`.
pub(crate) struct OpenIdToken(pub(crate) UserInfo);

/// The registration access token of a device (RFC 7592). The feature verifies it.
pub(crate) struct RegistrationToken(pub(crate) SecretString);

/// The initial access token of a registration (RFC 7591 §3), if there is one. The feature verifies it.
pub(crate) struct InitialAccessToken(pub(crate) Option<SecretString>);

impl Extract for DeviceToken {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let Bearer { device_id, .. } = authenticate(request).await?;

        Ok(Self { device_id })
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.require(Scheme::DeviceToken, &[]);
        operation.note("Requires an access token of the device, or of a user on it.");
        describe_invalid_token(operation);
    }
}

impl Extract for UserToken {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let Bearer {
            device_id, user_id, ..
        } = authenticate(request).await?;
        let user_id = user_id.ok_or_else(ApiError::insufficient_scope)?;

        Ok(Self { device_id, user_id })
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.require(Scheme::UserToken, &[]);
        operation.note("Requires an access token of a user on the device.");
        describe_invalid_token(operation);

        operation.error(
            StatusCode::FORBIDDEN,
            "The access token belongs to the device alone.",
        );
    }
}

impl Extract for FreshUserToken {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let Bearer {
            device_id,
            user_id,
            log_in,
            ..
        } = authenticate(request).await?;
        let (Some(user_id), Some(log_in)) = (user_id, log_in) else {
            return Err(ApiError::insufficient_scope());
        };

        let app = &request.api.app;
        let settings = app.base.settings.load();
        let max_age = settings.mobile_authentication.enrolment_max_age();
        let is_fresh = app.token_server.bearers.is_fresh(&log_in, max_age).await;

        // The scheme matters for refused tokens only, and this one was accepted.
        if is_fresh.map_err(|error| ApiError::token(error, TokenType::Bearer))? {
            Ok(Self(UserToken { device_id, user_id }))
        } else {
            Err(ApiError::fresh_login_required(max_age))
        }
    }

    fn describe(operation: &mut Operation<'_>) {
        UserToken::describe(operation);
        operation.note(
            "The user must have logged in, or have proved the PIN to refresh the token, within \
             `enrolment_max_age_seconds`; otherwise the response is 401 `fresh_login_required`.",
        );
    }
}

impl Extract for OpenIdToken {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let presented = presented(request.head).ok_or_else(ApiError::missing_oauth_token)?;
        let user = request
            .api
            .app
            .token_server
            .bearers
            .user_info(&presented)
            .await;

        user.map(Self)
            .map_err(|error| ApiError::oauth_token(error, presented.scheme))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.require(Scheme::OpenIdToken, &[]);
        operation.note("Requires an access token of a user with the scope `openid`.");
        describe_invalid_token(operation);

        operation.error(
            StatusCode::FORBIDDEN,
            "The access token does not have the scope `openid`.",
        );
    }
}

impl Extract for RegistrationToken {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let token = presented(request.head)
            .filter(|presented| presented.scheme == TokenType::Bearer)
            .ok_or(RegistrationRefusal::InvalidToken)?;

        Ok(Self(SecretString::new(token.text.to_owned())))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.require(Scheme::RegistrationToken, &[]);
        operation.note("Requires the registration access token of the device.");

        operation.error(
            StatusCode::UNAUTHORIZED,
            "The registration access token is missing, or is not this device's.",
        );
    }
}

impl Extract for InitialAccessToken {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let token = presented(request.head)
            .filter(|presented| presented.scheme == TokenType::Bearer)
            .map(|presented| SecretString::new(presented.text.to_owned()));

        Ok(Self(token))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.note(
            "An application can be configured to ask for an initial access token, as a bearer token.",
        );
    }
}

fn describe_invalid_token(operation: &mut Operation<'_>) {
    operation.error(
        StatusCode::UNAUTHORIZED,
        "The access token is missing, unknown, expired or revoked, or its DPoP proof is not valid.",
    );
}

async fn authenticate(request: &Request<'_>) -> Result<Bearer, ApiError> {
    let presented = presented(request.head).ok_or_else(ApiError::missing_token)?;
    let bearer = request
        .api
        .app
        .token_server
        .bearers
        .authenticate(&presented)
        .await
        .map_err(|error| ApiError::token(error, presented.scheme))?;

    tracing::Span::current().record("client.id", bearer.device_id.as_str());

    Ok(bearer)
}

/// The token in the `Authorization` header (RFC 6750 §2.1, RFC 9449 §7.1). Tokens in the body or in
/// the query string are not supported.
fn presented(request: &HttpRequest) -> Option<PresentedToken<'_>> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };

    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();

    let scheme = [TokenType::Bearer, TokenType::Dpop]
        .into_iter()
        .find(|known| scheme.eq_ignore_ascii_case(known.as_str()))?;

    if !(1..=TOKEN_BYTES_MAX).contains(&token.len()) {
        return None;
    }

    Some(PresentedToken {
        scheme,
        text: token,
        proof: dpop::single(request),
        method: request.method().as_str(),
        path: request.path(),
    })
}
