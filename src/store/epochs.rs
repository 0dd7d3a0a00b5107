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

/// Whether the token `t` rests on nothing, or on the grant `g` that is alive; where [`is_alive!`]
/// holds for `t` itself.
///
/// A grant for a resource server was made under that server's epoch too: a token that is refreshed
/// while everything for the server is revoked must not outlive that. A token that was exchanged is
/// another client's and another resource server's than its grant, whose own epochs count for that.
macro_rules! rests_on_what_lives {
    () => {
        " (t.grant_id IS NULL OR CASE WHEN t.actors IS NULL THEN \
             g.client_epoch = COALESCE(c.epoch, 0) \
             AND (g.resource_server IS NULL OR g.resource_epoch = t.resource_epoch) \
           ELSE g.client_epoch = COALESCE((SELECT e.epoch FROM token_epochs AS e \
               WHERE e.kind = CASE WHEN g.application_id IS NULL THEN 'client' ELSE 'application' END \
                 AND e.name = COALESCE(g.application_id, g.client_id)), 0) \
             AND (g.resource_server IS NULL OR g.resource_epoch = COALESCE((SELECT e.epoch \
               FROM token_epochs AS e WHERE e.kind = 'resource_server' AND e.name = g.resource_server), 0)) \
           END)"
    };
}

pub(super) use {is_alive, join_epochs, join_revocations, rests_on_what_lives};
