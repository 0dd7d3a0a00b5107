//! The list's pages: a bounded number of grants, in the order of an index, and of their access
//! tokens, in the same order.

use std::collections::HashMap;

use crate::store::queries::listing as queries;
use crate::store::rows::{IdBytes, ListedAccessTokenRow, ListedGrantRow, LiveAccessToken};
use crate::store::{Connection, QueryResult, Store, StoreError};

/// Grants, and access tokens, on a page.
const PAGE_MAX: i64 = 500;

/// How far the list has been read.
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
    pub(super) grants: Vec<Grant>,
    /// None after the last one.
    pub(super) next: Option<Cursor>,
}

/// A grant and its tokens, or those that are on this page.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) id: IdBytes,
    pub(super) client_id: String,
    pub(super) application_id: Option<String>,
    pub(super) tokens: Vec<Token>,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) id: IdBytes,
    pub(super) refreshes: bool,
    pub(super) issued_at: i64,
    pub(super) expires_at: i64,
    /// All of it, if it is a JWT.
    pub(super) jwt: Option<Box<LiveAccessToken>>,
}

/// Reads the page at a cursor.
pub(super) async fn read_page(
    store: &Store,
    user: String,
    cursor: Cursor,
) -> Result<Page, StoreError> {
    store
        .read(move |connection| {
            queries::in_snapshot(connection, |connection| page(connection, &user, cursor))
        })
        .await
}

fn page(connection: &mut Connection, user: &str, cursor: Cursor) -> QueryResult<Page> {
    let continued = cursor.token_id.is_some();
    let grants = queries::list_grants(
        connection,
        user,
        (&cursor.client_id, &cursor.grant_id),
        continued,
        PAGE_MAX,
    )?;
    let (Some(first), Some(last)) = (grants.first(), grants.last()) else {
        return Ok(Page {
            grants: Vec::new(),
            next: None,
        });
    };
    // What was begun may have been revoked since.
    let after = cursor.token_id.filter(|_| first.id == cursor.grant_id);
    let resumed = after.as_ref().map(|_| cursor.grant_id);
    let from = (
        first.client_id.as_str(),
        first.id.as_slice(),
        after.as_deref().unwrap_or_default(),
    );
    let until = (last.client_id.as_str(), last.id.as_slice());
    let access_tokens = queries::list_access_tokens(connection, user, from, until, PAGE_MAX)?;
    let is_full = i64::try_from(access_tokens.len()).unwrap_or(i64::MAX) >= PAGE_MAX;
    let unfinished =
        access_tokens
            .last()
            .filter(|_| is_full)
            .map(|ListedAccessTokenRow { token, .. }| Cursor {
                client_id: token.client_id.clone(),
                grant_id: token.grant_id.clone().unwrap_or_default(),
                token_id: Some(token.id.clone()),
            });
    let next = match &unfinished {
        Some(cursor) => Some(cursor.clone()),
        None if i64::try_from(grants.len()).unwrap_or(i64::MAX) < PAGE_MAX => None,
        None => Some(Cursor {
            client_id: last.client_id.clone(),
            grant_id: last.id.clone(),
            token_id: None,
        }),
    };
    let read = whole(grants, unfinished.as_ref().map(|cursor| &cursor.grant_id));
    let ids: Vec<IdBytes> = read
        .iter()
        .map(|grant| &grant.id)
        .filter(|id| resumed.as_ref() != Some(id))
        .cloned()
        .collect();
    let mut tokens: HashMap<IdBytes, Vec<Token>> = HashMap::new();
    for row in queries::list_refresh_tokens(connection, &ids)? {
        let (issued_at, expires_at) = (row.issued_at, row.expires_at);
        let token = Token {
            id: row.id,
            refreshes: true,
            issued_at,
            expires_at,
            jwt: None,
        };
        tokens.entry(row.grant_id).or_default().push(token);
    }
    for row in access_tokens {
        let (id, grant_id) = (
            row.token.id.clone(),
            row.token.grant_id.clone().unwrap_or_default(),
        );
        let (issued_at, expires_at) = (row.token.issued_at, row.token.expires_at);
        let jwt = row
            .token
            .signing_algorithm
            .is_some()
            .then(|| Box::new(row.into()));
        tokens.entry(grant_id).or_default().push(Token {
            id,
            refreshes: false,
            issued_at,
            expires_at,
            jwt,
        });
    }
    let grants = read.into_iter().map(|row| Grant {
        tokens: tokens.remove(&row.id).unwrap_or_default(),
        id: row.id,
        client_id: row.client_id,
        application_id: row.application_id,
    });
    Ok(Page {
        grants: grants.collect(),
        next,
    })
}

/// The grants up to the one whose access tokens did not all fit; those after it come again with the
/// next page.
fn whole(mut grants: Vec<ListedGrantRow>, unfinished: Option<&IdBytes>) -> Vec<ListedGrantRow> {
    if let Some(position) = grants
        .iter()
        .position(|grant| Some(&grant.id) == unfinished)
    {
        grants.truncate(position.saturating_add(1));
    }
    grants
}
