//! The journal: group commit. One thread writes everything that happens often, in one database
//! transaction for all that arrived while the last one ran.
//!
//! What is handed to it is an [`Entry`]. The thread (`writer`) collects entries, splits off those
//! that must not share a commit (`batch`) and writes the others together (`apply`): kind by
//! kind, all changes of a kind at once (`write`). What kinds there are stands in `changes`; a
//! change is described once and becomes SQL in `statement`.

mod action;
mod apply;
mod batch;
pub(in crate::store) mod changes;
mod entry;
mod failures;
mod prompts;
mod quotas;
mod statement;
mod values;
mod work;
pub(in crate::store) mod write;
mod writer;

pub use changes::*;
pub use entry::{Budget, Entry, Outcome};
pub use failures::{Channel, Failures};
pub use prompts::{LONG as PROMPTS_COUNT_FOR, Prompt, PromptLimits};
pub use quotas::Quota;
pub(super) use work::Work;
pub(super) use writer::start;
