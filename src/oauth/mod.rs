//! The token server: who a client is, how a user comes to log in, and the tokens both end in.
//!
//! [`TokenServer`] wires the rooms together; each has a few fields of its own and knows only rooms
//! further down:
//!
//! | room | what it is for |
//! |---|---|
//! | `listing`, `portal`, `revocation`, `introspection` | what becomes of tokens that were issued |
//! | `grants` | the token endpoint: what a token is issued for |
//! | `authorization` | a user's way to a code: log-in, consent, appliances |
//! | `tokens` | making tokens, and finding out what a presented one is |
//! | `clients` | which client asks |
//! | `keys` | what tokens are signed with |
//! | `model` | what is kept, and how it is written to rows and read from them |
//!
//! Users are authenticated by login pages that are not part of the server: API clients that answer
//! login requests.

mod authorization;
mod clients;
mod dpop;
mod error;
mod grants;
mod introspection;
mod issuer;
mod keys;
mod listing;
mod metadata;
mod model;
mod pkce;
mod portal;
mod replay;
mod resource;
mod revocation;
mod scope;
mod tokens;

use std::sync::Arc;

use url::Url;

use crate::base::Base;
use crate::devices::Devices;
use crate::egress::Documents;
use crate::users::Users;
use authorization::{
    Appliances, AuthorizationEndpoint, Consents, Logins, Logouts, Pages, PushedRequests, Rooms,
};
use clients::Clients;
use grants::{GrantParts, Grants};
use introspection::Introspector;
use issuer::Issuer;
use keys::SigningKeys;
use listing::Listing;
use portal::Portals;
use revocation::Revocation;
use tokens::{Bearers, IdTokenHints, Issuance, LiveTokens};

pub use authorization::{
    AcceptConsent, AcceptLogin, ApplianceAuthorization, AuthorizationError, AuthorizeRefusal,
    Browser, BrowserCookie, ConsentRequest, LoginRequest, Logout, LogoutRefusal, LogoutRequest,
    PageRequestError, PushedReference, PushedRequestError, Redirect, Rejection, RequestedScope,
    RequestingInstallation, UserCodeRefusal,
};
pub use clients::{
    CLIENT_ASSERTION_TYPE, ClientError, Credentials, PresentedCredentials, PresentedSecret,
};
pub use error::{OAuthError, ProofRefusal};
pub use grants::TokenRequest;
pub use introspection::{IntrospectedDevice, Introspection};
pub use keys::RotatedKey;
pub use listing::{TOKEN_INFO_GRANT, TokenInfoRequest, TokenListing};
pub use metadata::Metadata;
pub use model::{Actor, AuthorizeRequest, Claims};
pub use portal::{PortalConsent, PortalToken, PortalTokenType};
pub use revocation::{RevocationError, RevocationRequest};
pub use tokens::{
    Bearer, BearerError, BearerLogIn, PresentedToken, TokenResponse, TokenType, UserInfo,
};

pub use crate::jose::dpop::DpopError;

/// Where the token server is and where it sends users.
#[derive(Clone, Debug)]
pub struct OAuthOptions {
    /// The server's public address: its name as an issuer (RFC 8414 §2).
    pub issuer: Url,
    /// Finds out who a user is; without one nobody can log in.
    pub login_url: Option<Url>,
    /// Asks users what they allow; without one only clients that need no consent get a code.
    pub consent_url: Option<Url>,
    /// Whether the server has pages of its own for both, which believe whatever they are told.
    pub built_in_pages: bool,
    /// Fetches the keys that clients publish.
    pub documents: Documents,
}

/// Makes new signing keys now, for servers that run elsewhere. With `withdraw` they sign at once, and
/// those before them are published no longer.
pub async fn rotate_signing_keys(
    base: &Base,
    withdraw: bool,
) -> Result<Vec<RotatedKey>, OAuthError> {
    SigningKeys::new(base).rotate(withdraw).await
}

/// The token server. Clones share everything.
#[derive(Clone)]
pub struct TokenServer {
    pub issuer: Issuer,
    /// The login and consent pages.
    pub pages: Arc<Pages>,
    pub keys: Arc<SigningKeys>,
    pub clients: Arc<Clients>,
    /// The authorization endpoint (RFC 6749 §3.1).
    pub authorization: Arc<AuthorizationEndpoint>,
    /// RFC 9126.
    pub pushed_requests: Arc<PushedRequests>,
    /// What login pages are asked and answer.
    pub logins: Arc<Logins>,
    /// What consent pages are asked and answer.
    pub consents: Arc<Consents>,
    /// RFC 8628.
    pub appliances: Arc<Appliances>,
    /// OpenID Connect RP-Initiated Logout.
    pub logouts: Arc<Logouts>,
    /// The token endpoint (RFC 6749 §3.2).
    pub grants: Arc<Grants>,
    /// Who presents an access token to this server (RFC 6750).
    pub bearers: Arc<Bearers>,
    /// RFC 7662.
    pub introspection: Arc<Introspector>,
    /// RFC 7009, and everything of a client, a resource server or a user.
    pub revocation: Arc<Revocation>,
    pub listing: Arc<Listing>,
    /// What portals show to users.
    pub portals: Arc<Portals>,
    base: Base,
}

impl TokenServer {
    #[must_use]
    pub fn new(base: &Base, users: Users, devices: Devices, options: OAuthOptions) -> Self {
        let issuer = Issuer::new(&options.issuer);

        let pages = Arc::new(Pages::new(
            options.login_url,
            options.consent_url,
            options.built_in_pages,
        ));

        let keys = Arc::new(SigningKeys::new(base));
        let clients = Arc::new(Clients::new(
            base,
            devices.clone(),
            issuer.clone(),
            options.documents,
        ));
        let issuance = Arc::new(Issuance::new(base, issuer.clone(), keys.clone()));
        let tokens = Arc::new(LiveTokens::new(base, issuer.clone(), keys.clone()));
        let id_tokens = Arc::new(IdTokenHints::new(issuer.clone(), keys.clone()));
        let rooms = Rooms::new(base, &issuer, &clients, &pages, &id_tokens, &keys);

        Self {
            authorization: rooms.endpoint,
            pushed_requests: rooms.pushed_requests,
            logins: rooms.logins,
            consents: rooms.consents,
            appliances: rooms.appliances,
            logouts: rooms.logouts,
            grants: Arc::new(Grants::new(GrantParts {
                base,
                users: users.clone(),
                devices: devices.clone(),
                keys: &keys,
                clients: &clients,
                tokens: &tokens,
                issuance: &issuance,
            })),
            bearers: Arc::new(Bearers::new(base, issuer.clone(), tokens.clone())),
            introspection: Arc::new(Introspector {
                base: base.clone(),
                issuer: issuer.clone(),
                clients: clients.clone(),
                tokens: tokens.clone(),
            }),
            listing: Arc::new(Listing {
                base: base.clone(),
                keys: keys.clone(),
                clients: clients.clone(),
                tokens: tokens.clone(),
            }),
            revocation: Arc::new(Revocation {
                base: base.clone(),
                clients: clients.clone(),
                tokens,
                devices,
                users,
            }),
            portals: Arc::new(Portals { base: base.clone() }),
            base: base.clone(),
            issuer,
            pages,
            keys,
            clients,
        }
    }

    /// What DPoP proofs have to contain now (RFC 9449 §8); `None` where they need not.
    #[must_use]
    pub fn dpop_nonce(&self) -> Option<String> {
        let is_asked_for = self.base.settings.load().tokens.dpop_nonces;
        is_asked_for.then(|| dpop::nonce(&self.base.keyring, self.base.clock.now()))
    }

    /// What the server can do, under the settings in force.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        Metadata::new(&self.issuer, &self.base.settings.load())
    }
}
