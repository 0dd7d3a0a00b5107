//! Access tokens, by whoever has them or with a proof of the key they are bound to.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::dpop;
use crate::api::error::ApiError;
use crate::devices::RegistrationRefusal;
use crate::ids::{DeviceId, UserId};
use crate::oauth::{Bearer, PresentedToken, TokenType, UserInfo};
use crate::secret::SecretString;

/// The longest token that is looked up.
const TOKEN_BYTES_MAX: usize = 8192;

/// The token of an installation, with or without a user on it.
pub(crate) struct DeviceToken {
    /// Whose.
    pub(crate) device_id: DeviceId,
}

/// The token of a user on an installation.
pub(crate) struct UserToken {
    /// Where.
    pub(crate) device_id: DeviceId,
    /// Whose.
    pub(crate) user_id: UserId,
}

/// The token of a user at whatever client, as the user it stands for.
pub(crate) struct UserInfoToken(pub(crate) UserInfo);

/// The registration access token of an installation (RFC 7592), still to be checked.
pub(crate) struct RegistrationToken(pub(crate) SecretString);

impl FromRequest for DeviceToken {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        authenticate(request.clone())
            .map(|bearer| {
                bearer.map(|bearer| Self {
                    device_id: bearer.device_id,
                })
            })
            .boxed_local()
    }
}

impl FromRequest for UserToken {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move {
            let Bearer {
                device_id, user_id, ..
            } = authenticate(request).await?;
            let user_id = user_id.ok_or_else(ApiError::insufficient_scope)?;
            Ok(Self { device_id, user_id })
        }
        .boxed_local()
    }
}

impl FromRequest for UserInfoToken {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move {
            let api = super::api(&request)?;
            let presented = presented(&request).ok_or_else(ApiError::missing_oauth_token)?;
            let user = api.app().token_server.bearers.user_info(&presented).await;
            user.map(Self).map_err(ApiError::oauth_token)
        }
        .boxed_local()
    }
}

impl FromRequest for RegistrationToken {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = presented(request).filter(|presented| presented.scheme == TokenType::Bearer);
        let token = token
            .map(|presented| presented.text)
            .map(|token| Self(SecretString::new(token.to_owned())));
        ready(token.ok_or_else(|| RegistrationRefusal::InvalidToken.into()))
    }
}

async fn authenticate(request: HttpRequest) -> Result<Bearer, ApiError> {
    let api = super::api(&request)?;
    let presented = presented(&request).ok_or_else(ApiError::missing_token)?;
    let bearer = api
        .app()
        .token_server
        .bearers
        .authenticate(&presented)
        .await?;
    tracing::Span::current().record("client.id", bearer.device_id.as_str());
    Ok(bearer)
}

/// RFC 6750 §2.1, RFC 9449 §7.1; nowhere else does a token belong.
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
    (1..=TOKEN_BYTES_MAX)
        .contains(&token.len())
        .then(|| PresentedToken {
            scheme,
            text: token,
            proof: dpop::single(request),
            method: request.method().as_str(),
            path: request.path(),
        })
}
