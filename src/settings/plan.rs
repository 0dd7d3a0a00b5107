//! The difference between what is configured and what is wanted. Pure; its text shows no secret.

use std::fmt;

use serde_json::Value;

use super::Settings;
use super::documents::{self, Conceal};
use super::objects::{Kind, Object, Objects};
use crate::secret::SecretString;

/// What happens to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Create(Object),
    /// It is there and becomes another.
    Change {
        to: Object,
        /// The fields that differ.
        fields: Vec<String>,
    },
    /// It is there and no longer wanted.
    Remove,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Of what sort the object is.
    pub kind: Kind,
    /// Its name among its kind.
    pub name: String,
    /// What happens to it.
    pub action: Action,
}

/// Everything to do, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub changes: Vec<Change>,
    /// How many objects stay as they are.
    pub unchanged: usize,
}

/// What has to be done to get from `current` to `wanted`. The file is the whole configuration: what
/// is not in it is removed.
#[must_use]
pub fn plan(current: &Settings, wanted: &Settings) -> Plan {
    let mut current: Objects = current.objects();
    let mut plan = Plan::default();

    for ((kind, name), to) in wanted.objects() {
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

/// Shows secrets to the comparison only; nothing of it is kept.
struct InTheClear;

impl Conceal for InTheClear {
    fn secret(&self, _: &'static str, secret: &SecretString) -> String {
        secret.expose().to_owned()
    }
}

fn differing_fields(from: &Object, to: &Object) -> Vec<String> {
    let (Value::Object(from), Value::Object(to)) = (
        documents::write(from, &InTheClear),
        documents::write(to, &InTheClear),
    ) else {
        return Vec::new();
    };

    let mut names: Vec<&String> = from
        .keys()
        .chain(to.keys())
        .filter(|name| from.get(*name) != to.get(*name))
        .collect();
    names.sort();
    names.dedup();
    names.into_iter().cloned().collect()
}

impl fmt::Display for Plan {
    /// One line for each change, then the sum.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Change { kind, name, action } in &self.changes {
            let object = format!("{} {name:?}", kind.as_str());
            match action {
                Action::Create(_) => writeln!(f, "create {object}")?,
                Action::Change { fields, .. } => {
                    writeln!(f, "change {object} ({})", fields.join(", "))?
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
