//! Logging out (OpenID Connect RP-Initiated Logout): the browser forgets a remembered login, and
//! the clients that want to know are told.

use std::sync::Arc;

use super::browser::{Browser, BrowserCookie, Redirect};
use super::logout_notice::LogoutNotices;
use super::persist;
use super::redirect;
use super::sessions::Sessions;
use crate::base::Base;
use crate::oauth::clients::{Client, Clients};
use crate::oauth::error::{OAuthError, log_unavailable};
use crate::oauth::model::LoginSession;
use crate::oauth::tokens::{IdTokenHint, IdTokenHints};
use crate::store::StoreError;

/// What a client, or a user, asks.
#[derive(Clone, Debug, Default)]
pub struct LogoutRequest {
    /// An ID token of the log-in that is to end, expired or not.
    pub id_token_hint: Option<String>,
    pub client_id: Option<String>,
    /// Where the user goes afterwards: one of the client's.
    pub post_logout_redirect_uri: Option<String>,
    /// Given back to the client.
    pub state: Option<String>,
    /// Whether the user has said so on a page of this server.
    pub is_confirmed: bool,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logout {
    /// The user has to be asked: whoever sent the browser here may have been anybody (§6).
    Ask,
    /// The browser remembers nobody any more, and stays here.
    Done(BrowserCookie),
    /// The same, and goes on to the client.
    Return(Redirect),
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoutRefusal {
    /// `400`.
    #[error("`client_id` is unknown, or is not that of the `id_token_hint`.")]
    Client,
    /// `400`.
    #[error(
        "`post_logout_redirect_uri` is not one of the client's; name the client by `client_id` or `id_token_hint`."
    )]
    RedirectUri,
    /// `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for LogoutRefusal {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

impl From<OAuthError> for LogoutRefusal {
    /// It is only asked for keys.
    fn from(_: OAuthError) -> Self {
        Self::Unavailable
    }
}

/// Ends remembered logins.
pub struct Logouts {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
    pub(super) id_tokens: Arc<IdTokenHints>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) notices: LogoutNotices,
}

impl Logouts {
    /// Has a browser forget the login that it remembers.
    pub async fn log_out(
        &self,
        request: &LogoutRequest,
        browser: &Browser,
    ) -> Result<Logout, LogoutRefusal> {
        let hint = match &request.id_token_hint {
            Some(text) => self.id_tokens.read(text).await?,
            None => None,
        };

        // Found out before anything ends.
        let client = self.client(request, hint.as_ref()).await?;
        let address = address(request, client.as_ref())?;

        if let Some(session) = self.sessions.find(browser).await? {
            let is_meant = hint.is_some_and(|hint| hint.user_id == session.login.user_id);
            if !is_meant && !request.is_confirmed {
                return Ok(Logout::Ask);
            }

            self.end(session).await?;
        }

        let cookie = BrowserCookie::NoSession;
        Ok(match address {
            Some(address) => Logout::Return(Redirect {
                cookie: Some(cookie),
                ..Redirect::to(address)
            }),
            None => Logout::Done(cookie),
        })
    }

    /// Ends a remembered login everywhere.
    async fn end(&self, session: LoginSession) -> Result<(), LogoutRefusal> {
        self.notices.keys.ensure().await?;

        let (id, notices) = (session.id, self.notices.clone());
        let notice = move |client: &str| notices.notice(client, &session);
        Ok(persist::end_session(&self.base.store, id, notice).await?)
    }

    async fn client(
        &self,
        request: &LogoutRequest,
        hint: Option<&IdTokenHint>,
    ) -> Result<Option<Client>, LogoutRefusal> {
        let id = match (hint, &request.client_id) {
            (Some(hint), Some(id)) if hint.client_id != *id => return Err(LogoutRefusal::Client),
            (Some(hint), _) => &hint.client_id,
            (None, Some(id)) => id,
            (None, None) => return Ok(None),
        };

        let client = self.clients.find(id).await?;
        client.map(Some).ok_or(LogoutRefusal::Client)
    }
}

/// Where the user goes afterwards.
fn address(
    request: &LogoutRequest,
    client: Option<&Client>,
) -> Result<Option<String>, LogoutRefusal> {
    let Some(uri) = &request.post_logout_redirect_uri else {
        return Ok(None);
    };

    let registered = client.map_or(&[][..], Client::post_logout_redirect_uris);
    if !registered.contains(uri) {
        return Err(LogoutRefusal::RedirectUri);
    }

    let state = [("state", request.state.as_deref())];
    Ok(Some(redirect::with_parameters(uri, &state)))
}
