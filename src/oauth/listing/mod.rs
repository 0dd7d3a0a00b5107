//! Listing a user's tokens (OA4MP's token information): everything that is outstanding, for those
//! who administer clients, in one document that may be very long.
//!
//! It is read and written page by page, each when the one before has been taken, so that a hundred
//! thousand tokens need no more memory than ten. Opaque tokens themselves are not in it: the server
//! keeps nothing of them but hashes. Nor does it keep JWTs, but those that are good for anything
//! are signed anew, which the server's own doors know of (`tokens/remade.rs`). Between two of them
//! others get their turn: a signature takes up to a millisecond.

mod document;
mod persist;
mod reach;

use std::sync::Arc;

use uuid::Uuid;

use super::clients::{AuthenticatedClient, ClientError, Credentials};
use super::tokens::rotation::{self, RotationVerdict};
use super::tokens::text;
use super::{OAuthError, TokenServer};
use crate::ids::ClientId;
use crate::secret::SecretString;
use crate::settings::ApiClient;
use crate::store::StoreError;
use document::{Document, ListedToken, TokenKind};
use persist::{Cursor, Page};
use reach::Reach;

/// The grant type of the request.
pub const TOKEN_INFO_GRANT: &str = "urn:oa4mp:params:oauth:grant-type:token-info";

/// A request for the list. One of the tokens says which user it is about.
#[derive(Clone, Debug)]
pub struct TokenInfoRequest {
    pub credentials: Credentials,
    /// `access_token`.
    pub access_token: Option<SecretString>,
    /// `refresh_token`.
    pub refresh_token: Option<SecretString>,
}

/// Whose tokens are asked for, and to whom the presented one was issued.
struct Subject {
    user_id: String,
    client_id: String,
    application_id: Option<String>,
}

/// A list being written: call [`TokenListing::next`] until there is no more.
pub struct TokenListing {
    server: TokenServer,
    user_id: String,
    reach: Reach,
    /// None after the last page.
    cursor: Option<Cursor>,
    document: Document,
    /// Written before the answer was begun, so that what goes wrong at once has a status of its
    /// own.
    written: String,
    ended: bool,
}

impl TokenServer {
    /// Begins the list of a user's tokens.
    ///
    /// # Errors
    /// The client may not ask, or the token it shows is not a valid one of a client that it
    /// administers.
    pub async fn list_tokens(
        &self,
        request: &TokenInfoRequest,
    ) -> Result<TokenListing, OAuthError> {
        self.0.keys.ensure().await?;
        let asking = self.asking(&request.credentials).await?;
        let subject = self
            .subject(request)
            .await?
            .ok_or(OAuthError::InvalidGrant)?;
        let reach = match asking {
            Asking::Administrator(client) => reach::of_administrator(
                &client,
                subject
                    .application_id
                    .as_deref()
                    .unwrap_or(&subject.client_id),
            )?,
            Asking::Client(client_id) => reach::of_client(client_id, &subject.client_id)?,
        };
        let mut listing = TokenListing {
            server: self.clone(),
            document: Document::default(),
            written: Document::begin(&subject.user_id),
            user_id: subject.user_id,
            reach,
            cursor: Some(Cursor::default()),
            ended: false,
        };
        listing.read().await?;
        Ok(listing)
    }

    /// Who asks: an API client, or a client about its own tokens.
    async fn asking(&self, credentials: &Credentials) -> Result<Asking, OAuthError> {
        let settings = self.0.base.settings.load();
        let is_api_client = ClientId::new(credentials.client_id())
            .is_ok_and(|id| settings.api_clients.contains_key(&id));
        if is_api_client {
            return match self.authenticate_api_client(credentials).await {
                Ok(client) => Ok(Asking::Administrator(client)),
                Err(ClientError::Unavailable) => Err(OAuthError::Unavailable),
                Err(ClientError::Missing | ClientError::Malformed | ClientError::Invalid) => {
                    Err(OAuthError::InvalidClient)
                }
            };
        }
        let AuthenticatedClient { client, assertions } =
            self.authenticate_client(credentials).await?;
        self.use_up(assertions).await?;
        if client.is_public() {
            return Err(OAuthError::UnauthorizedClient(
                "A public client may not list tokens.",
            ));
        }
        Ok(Asking::Client(client.id().to_owned()))
    }

    /// Whose token is presented, if it is valid.
    async fn subject(&self, request: &TokenInfoRequest) -> Result<Option<Subject>, OAuthError> {
        match (&request.access_token, &request.refresh_token) {
            (Some(presented), None) => {
                let live = self.live_access_token(presented.expose()).await?;
                Ok(live.and_then(|live| {
                    let (client_id, application_id) =
                        (live.token.client_id, live.token.application_id);
                    live.token.user_id.map(|user_id| Subject {
                        user_id,
                        client_id,
                        application_id,
                    })
                }))
            }
            (None, Some(presented)) => self.subject_of_refresh_token(presented.expose()).await,
            _ => Err(OAuthError::InvalidRequest(
                "One of `access_token` and `refresh_token` is required.",
            )),
        }
    }

    async fn subject_of_refresh_token(
        &self,
        presented: &str,
    ) -> Result<Option<Subject>, OAuthError> {
        let Some((id, generation)) = text::parse_refresh_token(&self.0.base.keyring, presented)
        else {
            return Ok(None);
        };
        let Some(live) = self.0.refresh_tokens.find(id.to_vec()).await? else {
            return Ok(None);
        };
        let grace = self.0.base.settings.load().tokens.refresh_grace();
        let verdict = rotation::decide(
            &live.refresh_token,
            generation,
            grace,
            self.0.base.clock.now(),
        );
        let valid = matches!(verdict, RotationVerdict::Rotate | RotationVerdict::Repeat);
        Ok(valid.then_some(Subject {
            user_id: live.grant.user_id,
            client_id: live.grant.client_id,
            application_id: live.grant.application_id,
        }))
    }
}

enum Asking {
    Administrator(Arc<ApiClient>),
    Client(String),
}

impl TokenListing {
    /// The next piece of the document; `None` when it is whole.
    ///
    /// # Errors
    /// Those of the store: then the document must not look whole.
    pub async fn next(&mut self) -> Result<Option<String>, StoreError> {
        while self.written.is_empty() && !self.ended {
            self.read().await?;
        }
        let written = std::mem::take(&mut self.written);
        Ok((!written.is_empty()).then_some(written))
    }

    /// Reads a page and writes what is in it, or the end.
    async fn read(&mut self) -> Result<(), StoreError> {
        let Some(cursor) = self.cursor.take() else {
            self.written.push_str(&self.document.end());
            self.ended = true;
            return Ok(());
        };
        let Page { grants, next } =
            persist::read_page(&self.server.0.base.store, self.user_id.clone(), cursor).await?;
        self.cursor = next;
        for grant in grants {
            if self
                .reach
                .includes(&grant.client_id, grant.application_id.as_deref())
            {
                for token in grant.tokens {
                    let listed = self.listed(&token).await?;
                    let grant_id = Uuid::from_slice(&grant.id).map_err(|_| corrupt("a grant"))?;
                    self.written
                        .push_str(&self.document.add(&grant.client_id, grant_id, &listed));
                }
            }
        }
        Ok(())
    }

    async fn listed(&self, token: &persist::Token) -> Result<ListedToken, StoreError> {
        let is_valid = self.server.0.base.clock.now().as_millis() < token.expires_at;
        let text = match &token.jwt {
            Some(jwt) => {
                tokio::task::yield_now().await;
                self.server.remake_jwt(jwt)
            }
            None => None,
        };
        Ok(ListedToken {
            kind: if token.refreshes {
                TokenKind::Refresh
            } else {
                TokenKind::Access
            },
            is_valid,
            lifetime: token.expires_at.saturating_sub(token.issued_at),
            issued_at: token.issued_at,
            jti: Uuid::from_slice(&token.id).map_err(|_| corrupt("a token"))?,
            token: text,
        })
    }
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Query(format!("{what} has an id that this program did not write"))
}
