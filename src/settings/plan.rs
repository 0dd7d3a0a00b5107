//! The difference between the current and the wanted configuration. A plan's text contains no
//! secrets.

use std::fmt;

use serde_json::Value;

use super::documents::{self, SecretWriter};
use super::objects::{Kind, Object, Objects};
use super::snapshot::Settings;
use crate::secret::SecretString;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Create(Object),
    Change {
        to: Object,
        /// The names of the fields that differ.
        fields: Vec<String>,
    },
    Remove,
}

/// What happens to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: Kind,
    pub name: String,
    pub action: Action,
}

/// The changes that lead to the wanted configuration, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub changes: Vec<Change>,
    /// The number of objects that do not change.
    pub unchanged: usize,
}

/// Computes the changes from `current` to `wanted`. Objects that are not in `wanted` are removed.
#[must_use]
pub fn plan(current: &Settings, wanted: &Settings) -> Plan {
    let mut current: Objects = current.objects();
    let mut plan = Plan::default();

    for ((kind, name), to) in wanted.objects() {
        // What is left at the end is not in the wanted configuration.
        let action = match current.remove(&(kind, name.clone())) {
            Some(from) if from == to => {
                plan.unchanged += 1;
                continue;
            }
            Some(from) => Action::Change {
                fields: differing_fields(&from, &to),
                to,
            },
            None => Action::Create(to),
        };

        plan.changes.push(Change { kind, name, action });
    }

    let removed = current.into_keys().map(|(kind, name)| Change {
        kind,
        name,
        action: Action::Remove,
    });

    plan.changes.extend(removed);

    plan
}

/// Writes secrets as they are. Only for documents that are compared and dropped.
struct PlainText;

impl SecretWriter for PlainText {
    fn secret(&self, _: &'static str, secret: &SecretString) -> String {
        secret.expose().to_owned()
    }
}

fn differing_fields(from: &Object, to: &Object) -> Vec<String> {
    let (Value::Object(from), Value::Object(to)) = (
        // With secrets as they are: sealed ones would differ each time.
        documents::write(from, &PlainText),
        documents::write(to, &PlainText),
    ) else {
        return Vec::new();
    };

    let mut names: Vec<&String> = from
        .keys()
        .chain(to.keys())
        .filter(|name| from.get(*name) != to.get(*name))
        .collect();

    names.sort();
    // A field that both have is there twice.
    names.dedup();

    names.into_iter().cloned().collect()
}

impl fmt::Display for Plan {
    /// One line for each change, then a summary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Change { kind, name, action } in &self.changes {
            let object = format!("{} {name:?}", kind.as_str());
            match action {
                Action::Create(_) => writeln!(f, "create {object}")?,
                Action::Change { fields, .. } => {
                    writeln!(f, "change {object} ({})", fields.join(", "))?;
                }
                Action::Remove => writeln!(f, "remove {object}")?,
            }
        }

        write!(
            f,
            "{} to change, {} unchanged",
            self.changes.len(),
            self.unchanged
        )
    }
}
