//! How callers authenticate.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

/// A kind of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    ApiClient,
    DeviceToken,
    UserToken,
    OpenIdToken,
    RegistrationToken,
}

pub(crate) const SCHEMES: [Scheme; 5] = [
    Scheme::ApiClient,
    Scheme::DeviceToken,
    Scheme::UserToken,
    Scheme::OpenIdToken,
    Scheme::RegistrationToken,
];

impl Scheme {
    /// The key of the scheme in the document.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ApiClient => "basic",
            Self::DeviceToken => "device_token",
            Self::UserToken => "user_token",
            Self::OpenIdToken => "openid_token",
            Self::RegistrationToken => "registration_token",
        }
    }

    pub(crate) fn describe(self) -> SecurityScheme {
        let scheme = match self {
            Self::ApiClient => HttpAuthScheme::Basic,
            _ => HttpAuthScheme::Bearer,
        };

        let http = HttpBuilder::new()
            .scheme(scheme)
            .description(Some(self.description()));
        SecurityScheme::Http(http.build())
    }

    const fn description(self) -> &'static str {
        match self {
            Self::ApiClient => {
                "The id and secret of an API client. Instead, a client with a key sends a \
                 `private_key_jwt` assertion (RFC 7523) as a `Bearer` token. Endpoints that take a \
                 form also accept `client_id` and `client_secret`, or `client_assertion` and \
                 `client_assertion_type`, in the form."
            }
            Self::DeviceToken => {
                "An access token of a device (grant `client_credentials`, scope `device`), or of a \
                 user on it. Send a token that is bound to a key with the scheme `DPoP` and a \
                 `DPoP` header (RFC 9449)."
            }
            Self::UserToken => {
                "An access token of a user on a device (scope `device user`). Send a token that is \
                 bound to a key with the scheme `DPoP` and a `DPoP` header (RFC 9449)."
            }
            Self::OpenIdToken => {
                "An access token of a user with the scope `openid`. Send a token that is bound to \
                 a key with the scheme `DPoP` and a `DPoP` header (RFC 9449)."
            }
            Self::RegistrationToken => {
                "The `registration_access_token` from the registration of the device (RFC 7592)."
            }
        }
    }
}
