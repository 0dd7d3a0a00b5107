use diesel::expression::{Expression, Selectable};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::store::connection::Connection;
use crate::store::epochs::{is_alive, join_epochs, join_revocations, rests_on_what_lives};
use crate::store::keyed::{Lookup, look_up};
use crate::store::record::Record as _;
use crate::store::rows::{
    AccessTokenRow, AuthenticationColumns, GrantRow, IdBytes, LiveAccessToken, LiveRefreshToken,
    RefreshTokenRow,
};

/// The SQL types of a row's columns.
type Columns<R> = <<R as Selectable<Pg>>::SelectExpression as Expression>::SqlType;

struct LiveAccessTokens;

impl Lookup for LiveAccessTokens {
    type Id = IdBytes;

    type Columns = (
        Columns<AccessTokenRow>,
        (
            Nullable<BigInt>,
            Nullable<Text>,
            Nullable<Text>,
            Nullable<Text>,
        ),
        (Nullable<Text>, Nullable<Text>),
    );

    const SELECT: &'static [(&'static str, &'static [&'static str])] = &[
        ("t", AccessTokenRow::FIELDS),
        ("g", &["auth_time", "amr", "acr", "claims"]),
        ("d", &["application_version", "platform"]),
    ];

    const JOINS: &'static str = concat!(
        " JOIN access_tokens AS t ON t.id = k.id \
          LEFT JOIN grants AS g ON g.id = t.grant_id \
          LEFT JOIN devices AS d ON d.id = t.client_id AND t.application_id IS NOT NULL",
        join_revocations!(),
        " WHERE",
        is_alive!(),
        " AND",
        rests_on_what_lives!(),
        " AND (t.application_id IS NULL OR d.id IS NOT NULL)"
    );
}

type FoundAccessToken = (
    AccessTokenRow,
    (Option<i64>, Option<String>, Option<String>, Option<String>),
    (Option<String>, Option<String>),
);

/// Finds the access tokens of these ids that are alive: not revoked, neither alone nor with what
/// they rest on. Expiry is not checked.
pub fn find_live_access_tokens(
    connection: &mut Connection,
    ids: &[IdBytes],
) -> QueryResult<Vec<(IdBytes, LiveAccessToken)>> {
    let found: Vec<FoundAccessToken> = look_up::<LiveAccessTokens, _>(connection, ids)?;

    let live = |(token, authentication, (version, platform)): FoundAccessToken| {
        let (auth_time, amr, acr, claims) = authentication;
        let authentication = auth_time.map(|auth_time| AuthenticationColumns {
            amr,
            acr,
            auth_time,
            claims,
        });

        let id = token.id.clone();

        let live = LiveAccessToken {
            token,
            authentication,
            device_application: version.zip(platform),
        };

        (id, live)
    };

    Ok(found.into_iter().map(live).collect())
}

struct LiveRefreshTokens;

impl Lookup for LiveRefreshTokens {
    type Id = IdBytes;

    type Columns = (Columns<RefreshTokenRow>, Columns<GrantRow>, Nullable<Text>);

    const SELECT: &'static [(&'static str, &'static [&'static str])] = &[
        ("f", RefreshTokenRow::FIELDS),
        ("t", GrantRow::FIELDS),
        ("a", &["public_key"]),
    ];

    const JOINS: &'static str = concat!(
        " JOIN refresh_tokens AS f ON f.id = k.id \
          JOIN grants AS t ON t.id = f.grant_id \
          LEFT JOIN authenticators AS a ON a.device_id = t.client_id AND a.user_id = t.user_id \
            AND a.name = f.authenticator",
        join_revocations!(),
        " WHERE",
        is_alive!()
    );
}

/// Finds the families of refresh tokens of these ids that are alive. Expiry is not checked.
pub fn find_live_refresh_tokens(
    connection: &mut Connection,
    ids: &[IdBytes],
) -> QueryResult<Vec<(IdBytes, LiveRefreshToken)>> {
    let found =
        look_up::<LiveRefreshTokens, (RefreshTokenRow, GrantRow, Option<String>)>(connection, ids)?;

    let live = |(refresh_token, grant, authenticator_key): (RefreshTokenRow, _, _)| {
        let id = refresh_token.id.clone();

        let live = LiveRefreshToken {
            refresh_token,
            grant,
            authenticator_key,
        };

        (id, live)
    };

    Ok(found.into_iter().map(live).collect())
}
