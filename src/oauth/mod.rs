//! The token server: who a client is, how a user comes to log in on an installation, and the tokens
//! both end in.
//!
//! Clients are web clients (configured) and installations (registered); API clients use the
//! server's own APIs. Each grant is one file in `grants`; users are authenticated by somebody
//! else's login page, which answers through login requests.

mod authorization;
mod clients;
mod dpop;
mod error;
mod grants;
mod id_token;
mod introspection;
mod keys;
mod listing;
mod metadata;
mod persist;
mod revocation;
mod scope;
mod tokens;
mod userinfo;

use std::sync::Arc;

use parking_lot::Mutex;
use url::Url;

use authorization::Guesses;

use crate::base::Base;
use crate::config::is_loopback;
use crate::devices::Devices;
use crate::ids::UserId;
use crate::store::StoreError;
use crate::users::Users;

pub use authorization::{
    AcceptConsent, AcceptLogin, AuthorizationError, AuthorizeRefusal, AuthorizeRequest, Browser,
    BrowserCookie, ConsentRequest, DeviceAuthorization, Installed, LoginRequest, PageRequestError,
    PushedRequest, PushedRequestError, Redirect, RejectLogin, SESSION_TIME_TO_LIVE, ScopeAsked,
    UserCodeRefusal,
};
pub use clients::{
    CLIENT_ASSERTION_TYPE, ClientError, Credentials, PresentedCredentials, PresentedSecret,
};
pub use dpop::{DpopError, ProofRefusal};
pub use error::OAuthError;
pub use grants::TokenRequest;
pub use introspection::Introspection;
pub use listing::{TOKEN_INFO_GRANT, TokenInfoRequest, TokenListing};
pub use metadata::Metadata;
pub use revocation::{PortalConsent, PortalToken, PortalTokenType, ReachError, RevocationRequest};
pub use tokens::{Bearer, BearerError, PresentedToken, TokenResponse, TokenType};
pub use userinfo::UserInfo;

/// Where the token server is and where it sends users.
#[derive(Clone, Debug)]
pub struct OAuthOptions {
    /// The server's public address: its name as an issuer (RFC 8414 §2).
    pub issuer: Url,
    /// The page that finds out who a user is; without one nobody can log in.
    pub login_url: Option<Url>,
    /// The page that asks users what they allow; without one only clients that need no consent get
    /// anywhere.
    pub consent_url: Option<Url>,
    /// Whether the server has pages of its own for both, which believe whatever they are told.
    pub built_in_pages: bool,
}

/// The token server. Clones share one state.
#[derive(Clone)]
pub struct TokenServer(Arc<Parts>);

struct Parts {
    base: Base,
    devices: Devices,
    users: Users,
    /// Without a slash at the end.
    issuer: String,
    token_endpoint: String,
    assertion_audiences: Vec<String>,
    login_url: Option<Url>,
    consent_url: Option<Url>,
    built_in_pages: bool,
    secure_cookies: bool,
    user_codes: Mutex<Guesses>,
    access_tokens: persist::LiveAccessTokens,
    refresh_tokens: persist::LiveRefreshTokens,
    keys: keys::SigningKeys,
}

impl TokenServer {
    #[must_use]
    pub fn new(base: &Base, users: Users, devices: Devices, options: OAuthOptions) -> Self {
        let issuer = options.issuer.as_str().trim_end_matches('/').to_owned();
        let token_endpoint = format!("{issuer}/oauth/token");
        let assertion_audiences = clients::assertion_audiences(&issuer);
        let plain = options.issuer.scheme() == "http" && is_loopback(&options.issuer);
        let (access_tokens, refresh_tokens) = (
            persist::live_access_tokens(&base.store),
            persist::live_refresh_tokens(&base.store),
        );
        Self(Arc::new(Parts {
            base: base.clone(),
            users,
            devices,
            issuer,
            token_endpoint,
            assertion_audiences,
            login_url: options.login_url,
            consent_url: options.consent_url,
            built_in_pages: options.built_in_pages,
            secure_cookies: !plain,
            user_codes: Mutex::default(),
            access_tokens,
            refresh_tokens,
            keys: keys::SigningKeys::new(base.clone()),
        }))
    }

    /// Whether a user may do nothing: to be asked before anything is issued.
    async fn is_disabled(&self, user: &str) -> Result<bool, StoreError> {
        match UserId::new(user) {
            Ok(user) => self.0.users.is_disabled(&user).await,
            Err(_) => Ok(true),
        }
    }

    /// The server's name as an issuer: `iss` of what it answers, an `aud` of what it is told.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The public keys of the tokens in use (RFC 7517 §5), each a JWK.
    ///
    /// # Errors
    /// When there are none yet and none can be made.
    pub async fn published_keys(&self) -> Result<Vec<serde_json::Value>, OAuthError> {
        self.0.keys.ensure().await?;
        Ok(self.0.keys.published())
    }

    /// Looks after the signing keys, for ever.
    pub async fn follow_signing_keys(&self) {
        self.0.keys.follow().await;
    }

    /// Whether the server's cookies go over TLS only: always, but where it is tried out on
    /// loopback.
    #[must_use]
    pub fn has_secure_cookies(&self) -> bool {
        self.0.secure_cookies
    }

    /// Whether the server has login and consent pages of its own.
    #[must_use]
    pub fn has_built_in_pages(&self) -> bool {
        self.0.built_in_pages
    }

    /// Where a form of this server's may lead to: the origins of the pages that ask users.
    #[must_use]
    pub fn page_origins(&self) -> Vec<String> {
        let pages = [&self.0.login_url, &self.0.consent_url];
        pages
            .into_iter()
            .flatten()
            .map(|url| url.origin().ascii_serialization())
            .collect()
    }
}
