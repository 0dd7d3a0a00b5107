//! What ends many grants and tokens at once, as SQL.
//!
//! An epoch counts how often everything issued to a client, to an application or for a resource
//! server was revoked. A grant or token is made under the epochs in force; one of an older epoch is
//! dead. So is everything of a disabled user.

/// Joins the epochs that are in force for the grant or token of this alias: `c` is that of its
/// client or application, `r` that of its resource server. Where there is none, it is 0.
macro_rules! join_epochs {
    ($alias:literal) => {
        concat!(
            " LEFT JOIN token_epochs AS c ON c.kind = CASE WHEN ",
            $alias,
            ".application_id IS NULL THEN 'client' ELSE 'application' END AND c.name = COALESCE(",
            $alias,
            ".application_id, ",
            $alias,
            ".client_id) LEFT JOIN token_epochs AS r ON r.kind = 'resource_server' AND r.name = ",
            $alias,
            ".resource_server"
        )
    };
}

/// Joins what [`is_alive!`] needs to know about the grant or token `t`.
macro_rules! join_revocations {
    () => {
        concat!(
            join_epochs!("t"),
            " LEFT JOIN disabled_users AS x ON x.user_id = t.user_id"
        )
    };
}

/// Whether the grant or token `t` was revoked with neither its client, nor its resource server, nor
/// its user.
macro_rules! is_alive {
    () => {
        " x.user_id IS NULL AND t.client_epoch = COALESCE(c.epoch, 0) \
           AND t.resource_epoch = COALESCE(r.epoch, 0)"
    };
}

pub(super) use {is_alive, join_epochs, join_revocations};
