//! The list's pages: a bounded number of grants, in the order of an index, and of their access
//! tokens, in the same order.

use std::collections::HashMap;

use uuid::Uuid;

use super::document::ListedKind;
use crate::clock::Timestamp;
use crate::ids::{GrantId, UserId};
use crate::oauth::model::{
    ClientRef, ListedAccessToken, ListedGrant, LiveAccessToken, RefreshFamily,
};
use crate::store::queries::listing as queries;
use crate::store::rows::{IdBytes, ListedAccessTokenRow, ListedGrantRow, RefreshTokenRow};
use crate::store::{Connection, CorruptRow, QueryResult, Store, StoreError};

/// The most grants, and access tokens, on a page.
const PAGE_MAX: usize = 500;

/// How far the list has been read: a position in the index.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    client_id: String,
    grant_id: IdBytes,
    /// Where the grant has more access tokens: those after this one.
    token_id: Option<IdBytes>,
}

/// A part of the list.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) grants: Vec<GrantOnPage>,
    /// `None` after the last page.
    pub(super) next: Option<Cursor>,
}

/// A grant, and those of its tokens that are on the page.
#[derive(Debug)]
pub(super) struct GrantOnPage {
    pub(super) id: GrantId,
    pub(super) client: ClientRef,
    pub(super) tokens: Vec<Token>,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) id: Uuid,
    pub(super) kind: ListedKind,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// All of it, where it is a JWT.
    pub(super) jwt: Option<Box<LiveAccessToken>>,
}

/// Reads the page at a cursor.
pub(super) async fn read_page(
    store: &Store,
    user: &UserId,
    cursor: Cursor,
) -> Result<Page, StoreError> {
    let user = user.clone();
    let read = move |connection: &mut Connection| {
        // Three queries that see one moment: between them a token could be revoked, or a grant
        // begin.
        queries::in_snapshot(connection, |connection| {
            read_rows(connection, user.as_str(), &cursor)
        })
    };

    let rows = store.read(read).await?;

    Ok(page(rows)?)
}

/// What is on a page, as stored.
#[derive(Default)]
struct Rows {
    grants: Vec<ListedGrantRow>,
    refresh_tokens: Vec<RefreshTokenRow>,
    access_tokens: Vec<ListedAccessTokenRow>,
    next: Option<Cursor>,
}

fn read_rows(connection: &mut Connection, user: &str, cursor: &Cursor) -> QueryResult<Rows> {
    let limit = i64::try_from(PAGE_MAX).unwrap_or(i64::MAX);
    let from = (cursor.client_id.as_str(), cursor.grant_id.as_slice());
    let is_within_grant = cursor.token_id.is_some();
    let mut grants = queries::list_grants(connection, user, from, is_within_grant, limit)?;
    let (Some(first), Some(last)) = (grants.first(), grants.last()) else {
        return Ok(Rows::default());
    };

    // The grant that the page before has begun may have been revoked since.
    let is_resumed = is_within_grant && first.id == cursor.grant_id;
    let after = cursor.token_id.as_deref().filter(|_| is_resumed);
    let from = (
        first.client_id.as_str(),
        first.id.as_slice(),
        after.unwrap_or_default(),
    );

    let until = (last.client_id.as_str(), last.id.as_slice());
    let access_tokens = queries::list_access_tokens(connection, user, from, until, limit)?;

    let next = next(&grants, &access_tokens);

    leave_for_next_page(&mut grants, next.as_ref());

    // The refresh tokens of a grant come with the page that begins it.
    let begun = grants.iter().skip(usize::from(is_resumed));
    let ids: Vec<IdBytes> = begun.map(|grant| grant.id.clone()).collect();

    Ok(Rows {
        refresh_tokens: queries::list_refresh_tokens(connection, &ids)?,
        grants,
        access_tokens,
        next,
    })
}

/// Drops the grants after one whose access tokens did not all fit: they come with the next page.
fn leave_for_next_page(grants: &mut Vec<ListedGrantRow>, next: Option<&Cursor>) {
    let Some(unfinished) = next.filter(|cursor| cursor.token_id.is_some()) else {
        return;
    };
    let position = grants
        .iter()
        .position(|grant| grant.id == unfinished.grant_id);

    if let Some(position) = position {
        grants.truncate(position.saturating_add(1));
    }
}

/// Where the page after one with these rows begins.
fn next(grants: &[ListedGrantRow], access_tokens: &[ListedAccessTokenRow]) -> Option<Cursor> {
    if access_tokens.len() >= PAGE_MAX {
        return access_tokens.last().map(|row| Cursor {
            client_id: row.token.client_id.clone(),
            grant_id: row.token.grant_id.clone().unwrap_or_default(),
            token_id: Some(row.token.id.clone()),
        });
    }

    if grants.len() >= PAGE_MAX {
        return grants.last().map(|row| Cursor {
            client_id: row.client_id.clone(),
            grant_id: row.id.clone(),
            token_id: None,
        });
    }

    None
}

fn page(rows: Rows) -> Result<Page, CorruptRow> {
    let mut tokens: HashMap<GrantId, Vec<Token>> = HashMap::new();
    for row in rows.refresh_tokens {
        let family = RefreshFamily::from_row(row)?;
        tokens.entry(family.grant_id).or_default().push(Token {
            id: family.id.as_uuid(),
            kind: ListedKind::Refresh,
            issued_at: family.issued_at,
            expires_at: family.expires_at,
            jwt: None,
        });
    }

    for row in rows.access_tokens {
        let token = ListedAccessToken::from_row(row)?;
        tokens.entry(token.grant_id).or_default().push(Token {
            id: token.id.as_uuid(),
            kind: ListedKind::Access,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            jwt: token.jwt,
        });
    }

    let grants = rows.grants.into_iter().map(|row| {
        let ListedGrant { id, client } = ListedGrant::from_row(row)?;
        let tokens = tokens.remove(&id).unwrap_or_default();
        Ok(GrantOnPage { id, client, tokens })
    });

    Ok(Page {
        grants: grants.collect::<Result<_, _>>()?,
        next: rows.next,
    })
}
