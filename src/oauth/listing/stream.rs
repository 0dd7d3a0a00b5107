//! The list as it is written, page by page.

use std::sync::Arc;

use super::document::{Document, ListedToken};
use super::persist::{self, Cursor, Page, Token};
use super::reach::Reach;
use crate::base::Base;
use crate::ids::UserId;
use crate::oauth::tokens::LiveTokens;
use crate::store::StoreError;

/// A list being written: call [`TokenListing::next`] until there is no more.
pub struct TokenListing {
    base: Base,
    tokens: Arc<LiveTokens>,
    user_id: UserId,
    reach: Reach,
    /// `None` after the last page.
    cursor: Option<Cursor>,
    document: Document,
    /// Not yet taken.
    written: String,
    is_whole: bool,
}

impl TokenListing {
    /// Begins a list. The first page is read at once: what goes wrong then can still be answered
    /// with a status of its own.
    pub(super) async fn begin(
        base: &Base,
        tokens: Arc<LiveTokens>,
        user_id: UserId,
        reach: Reach,
    ) -> Result<Self, StoreError> {
        let mut listing = Self {
            base: base.clone(),
            tokens,
            document: Document::default(),
            written: Document::begin(user_id.as_str()),
            user_id,
            reach,
            cursor: Some(Cursor::default()),
            is_whole: false,
        };

        listing.read().await?;
        Ok(listing)
    }

    /// The next piece of the document; `None` when it is whole.
    ///
    /// # Errors
    /// Those of the store: then the document must not look whole.
    pub async fn next(&mut self) -> Result<Option<String>, StoreError> {
        while self.written.is_empty() && !self.is_whole {
            self.read().await?;
        }

        let written = std::mem::take(&mut self.written);
        Ok((!written.is_empty()).then_some(written))
    }

    /// Reads a page and writes what is on it, or the end.
    async fn read(&mut self) -> Result<(), StoreError> {
        let Some(cursor) = self.cursor.take() else {
            self.written.push_str(&self.document.end());
            self.is_whole = true;
            return Ok(());
        };

        let Page { grants, next } =
            persist::read_page(&self.base.store, &self.user_id, cursor).await?;
        self.cursor = next;

        for grant in grants {
            // A page has all clients of a user: the index knows nothing of the reach.
            if !self.reach.includes(&grant.client) {
                continue;
            }

            for token in &grant.tokens {
                let listed = self.listed(token).await;
                let written = self
                    .document
                    .add(&grant.client.id, grant.id.as_uuid(), &listed);
                self.written.push_str(&written);
            }
        }

        Ok(())
    }

    async fn listed(&self, token: &Token) -> ListedToken {
        let text = match &token.jwt {
            Some(jwt) => {
                // A signature takes up to a millisecond: others get their turn between two.
                tokio::task::yield_now().await;
                self.tokens.remake(jwt)
            }
            None => None,
        };

        let (issued_at, expires_at) = (token.issued_at.as_millis(), token.expires_at.as_millis());

        ListedToken {
            kind: token.kind,
            is_valid: self.base.clock.now() < token.expires_at,
            lifetime: expires_at.saturating_sub(issued_at),
            issued_at,
            jti: token.id,
            token: text,
        }
    }
}
