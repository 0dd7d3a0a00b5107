//! Listing a user's tokens (OA4MP's token information): everything that is outstanding, for those
//! who administer clients, in one document that may be very long.
//!
//! It is read and written page by page, each when the one before has been taken: a hundred thousand
//! tokens need no more memory than ten. Opaque tokens are listed without their texts, of which the
//! server keeps hashes only. It does not keep JWTs either, but those that can be used are signed
//! again, which the server recognises (`tokens/remade.rs`).

mod document;
mod persist;
mod reach;
mod stream;

use std::sync::Arc;

use super::clients::{Clients, Credentials};
use super::error::OAuthError;
use super::keys::SigningKeys;
use super::model::ClientRef;
use super::tokens::{LiveTokens, PresentedRefreshToken, Rotation, decide_rotation};
use crate::base::Base;
use crate::ids::{ClientId, UserId};
use crate::secret::SecretString;
use crate::settings::ApiClient;
use reach::Reach;

pub use stream::TokenListing;

/// The grant type of the request.
pub const TOKEN_INFO_GRANT: &str = "urn:oa4mp:params:oauth:grant-type:token-info";

/// A request for the list. One of the tokens says which user it is about.
#[derive(Clone, Debug)]
pub struct TokenInfoRequest {
    pub credentials: Credentials,
    pub access_token: Option<SecretString>,
    pub refresh_token: Option<SecretString>,
}

/// Lists tokens.
pub struct Listing {
    pub(super) base: Base,
    pub(super) keys: Arc<SigningKeys>,
    pub(super) clients: Arc<Clients>,
    pub(super) tokens: Arc<LiveTokens>,
}

/// Who asks: an API client, or a client about its own tokens.
enum Caller {
    Administrator(Arc<ApiClient>),
    Client(String),
}

/// Whose tokens are listed, and to whom the presented one was issued.
struct Subject {
    user_id: UserId,
    client: ClientRef,
}

impl Listing {
    /// Begins the list of a user's tokens.
    ///
    /// # Errors
    /// The client may not ask, or the token it shows cannot be used or was issued to a client that
    /// it does not administer.
    pub async fn begin(&self, request: &TokenInfoRequest) -> Result<TokenListing, OAuthError> {
        self.keys.ensure().await?;
        let caller = self.caller(&request.credentials).await?;
        let subject = self.subject(request).await?;
        let Subject { user_id, client } = subject.ok_or(OAuthError::InvalidGrant)?;

        let reach: Reach = match caller {
            Caller::Administrator(caller) => reach::of_administrator(&caller, client.party())?,
            Caller::Client(client_id) => reach::of_client(client_id, &client.id)?,
        };

        let tokens = Arc::clone(&self.tokens);
        Ok(TokenListing::begin(&self.base, tokens, user_id, reach).await?)
    }

    async fn caller(&self, credentials: &Credentials) -> Result<Caller, OAuthError> {
        let settings = self.base.settings.load();
        let is_api_client = ClientId::new(credentials.client_id())
            .is_ok_and(|id| settings.api_clients.contains_key(&id));
        if is_api_client {
            let client = self.clients.authenticate_api_client(credentials).await?;
            return Ok(Caller::Administrator(client));
        }

        let authenticated = self.clients.authenticate(credentials).await?;
        self.clients.use_up(authenticated.used).await?;

        // Anybody can ask in its name: its id is no secret.
        if authenticated.client.is_public() {
            return Err(OAuthError::UnauthorizedClient(
                "A public client may not list tokens.",
            ));
        }

        Ok(Caller::Client(authenticated.client.id().to_owned()))
    }

    /// Whose token is presented, if that can be used.
    async fn subject(&self, request: &TokenInfoRequest) -> Result<Option<Subject>, OAuthError> {
        match (&request.access_token, &request.refresh_token) {
            (Some(text), None) => self.subject_of_access_token(text.expose()).await,
            (None, Some(text)) => self.subject_of_refresh_token(text.expose()).await,
            _ => Err(OAuthError::InvalidRequest(
                "One of `access_token` and `refresh_token` is required.",
            )),
        }
    }

    async fn subject_of_access_token(&self, text: &str) -> Result<Option<Subject>, OAuthError> {
        let Some(live) = self.tokens.find_access_token(text).await? else {
            return Ok(None);
        };

        let client = live.token.client;
        Ok(live.token.user.map(|user| Subject {
            user_id: user.user_id,
            client,
        }))
    }

    async fn subject_of_refresh_token(&self, text: &str) -> Result<Option<Subject>, OAuthError> {
        let Base {
            settings,
            clock,
            keyring,
            ..
        } = &self.base;

        let Some(presented) = PresentedRefreshToken::parse(keyring, text) else {
            return Ok(None);
        };
        let Some(live) = self.tokens.find_refresh_family(presented.family).await? else {
            return Ok(None);
        };

        let grace = settings.load().tokens.refresh_grace();

        match decide_rotation(&live.family, presented.generation, grace, clock.now()) {
            // In its grace period a token still says whose it is. Nothing is rotated by showing it
            // here.
            Rotation::Rotate | Rotation::Repeat => Ok(Some(Subject {
                user_id: live.grant.login.user_id,
                client: live.grant.client,
            })),
            Rotation::Reused | Rotation::Expired => Ok(None),
        }
    }
}
