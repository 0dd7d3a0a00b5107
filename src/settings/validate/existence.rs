//! Checks that the objects that others refer to exist.

use std::collections::BTreeSet;

use super::problems::Problems;
use crate::settings::objects::{Kind, Objects};
use crate::settings::types::RESERVED_SCOPES;

pub(super) fn exists(all: &Objects, kind: Kind, name: &str) -> bool {
    all.contains_key(&(kind, name.to_owned()))
}

/// Ids must be those of objects of one kind, which `what` calls by its name.
pub(super) fn check_ids(
    field: &str,
    ids: &BTreeSet<String>,
    (kind, what): (Kind, &str),
    all: &Objects,
    problems: &mut Problems,
) {
    for id in ids {
        problems.check(
            exists(all, kind, id),
            field,
            format!("there is no {what} with the id {id:?}"),
        );
    }
}

/// Scopes must be configured or reserved.
pub(super) fn check_scopes(scopes: &BTreeSet<String>, all: &Objects, problems: &mut Problems) {
    for scope in scopes {
        let known = RESERVED_SCOPES.contains(&scope.as_str()) || exists(all, Kind::Scope, scope);
        problems.check(
            known,
            "scopes",
            format!("there is no scope with the id {scope:?}"),
        );
    }
}

/// Ids must be those of web clients or applications, which share one namespace.
pub(super) fn check_clients(
    field: &str,
    ids: &BTreeSet<String>,
    all: &Objects,
    problems: &mut Problems,
) {
    for id in ids {
        let found = exists(all, Kind::WebClient, id) || exists(all, Kind::Application, id);
        problems.check(
            found,
            field,
            format!("there is no web client or application with the id {id:?}"),
        );
    }
}
