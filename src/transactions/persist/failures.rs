//! Wrong answers in a row, across transactions.

use super::record::Record;
use crate::base::Base;
use crate::ids::UserId;
use crate::store::journal::{Channel, Failures};
use crate::transactions::methods::{AnsweredBy, Method};
use crate::transactions::state::{Ending, State, Step, Verdict};

/// Whose answers count, where they are codes: anybody who has the website's page can guess at those.
fn channel(method: &Method, user: Option<&UserId>) -> Option<Channel> {
    match method.answered_by {
        AnsweredBy::Code { .. } => Some(Channel {
            user: user?.to_string(),
            name: method.name,
        }),
        AnsweredBy::Device { .. } => None,
    }
}

/// What a start has to do with them: after too many there is none.
pub(in crate::transactions) fn failures_of_start(
    method: &Method,
    user: Option<&UserId>,
    base: &Base,
) -> Option<Failures> {
    let rules = &base.settings.load().mobile_authentication;

    Some(Failures::Below {
        of: channel(method, user)?,
        max: rules.consecutive_failures_max,
    })
}

/// What a step has to do with them. An answer that comes too late is neither right nor wrong.
pub(super) fn failures_of_step(record: &Record, step: &Step) -> Option<Failures> {
    let channel = channel(record.method, record.user.as_ref())?;

    match (step.verdict, step.next) {
        (Verdict::Wrong { .. }, _) => Some(Failures::Count(channel)),
        (_, State::Final(Ending::Accepted)) => Some(Failures::Forget(channel)),
        _ => None,
    }
}
