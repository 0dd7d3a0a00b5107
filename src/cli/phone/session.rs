//! The commands about enrolment and transactions.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::args::Answer;
use crate::cli::common::CliResult;
use crate::clock::Clock;
use crate::ids::{TransactionId, UserId};
use crate::phone::{FetchedTransaction, Phone, PhoneError, PushTransport};

/// How long the server may hold one poll of `watch`.
const POLL_WAIT: Duration = Duration::from_secs(30);
/// How long `watch` pauses when all pending transactions were shown already: the server answers
/// such polls at once.
const POLL_PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn enrol(
    phone: &Phone,
    user: &UserId,
    push: PushTransport,
    out: &mut impl Write,
) -> CliResult {
    let profile = match phone.profile_id(user) {
        Some(profile) => profile,
        None => phone.enrol(user).await?,
    };

    phone.enrol_push(user, push).await?;

    writeln!(
        out,
        "{user} is enrolled on this phone as profile {profile}."
    )?;

    Ok(())
}

pub(super) fn status(phone: &Phone, out: &mut impl Write) -> CliResult {
    writeln!(out, "device {}", phone.device_id())?;

    for (user, profile) in phone.users() {
        let profile = profile.map_or_else(
            || "not enrolled".to_owned(),
            |profile| format!("profile {profile}"),
        );

        let authenticators = phone.refresh_tokens(&user).join(", ");
        let refresh_tokens = if authenticators.is_empty() {
            "no refresh token".to_owned()
        } else {
            format!("refresh: {authenticators}")
        };

        writeln!(out, "user   {user} ({profile}; {refresh_tokens})")?;
    }

    Ok(())
}

pub(super) async fn pending(phone: &Phone, out: &mut impl Write) -> CliResult {
    let pending = phone.pending(Duration::ZERO).await?;

    for entry in &pending {
        show(&phone.fetch(entry.transaction_id).await?, out)?;
    }

    if pending.is_empty() {
        writeln!(out, "Nothing waits for an answer.")?;
    }

    Ok(())
}

pub(super) async fn watch(
    phone: &Phone,
    answer: Option<Answer>,
    state: &Path,
    out: &mut impl Write,
) -> CliResult {
    let mut shown: Vec<TransactionId> = Vec::new();

    loop {
        let pending: Vec<_> = phone
            .pending(POLL_WAIT)
            .await?
            .into_iter()
            .map(|entry| entry.transaction_id)
            .collect();

        shown.retain(|id| pending.contains(id));

        let new: Vec<_> = pending
            .into_iter()
            .filter(|id| !shown.contains(id))
            .collect();

        if new.is_empty() && !shown.is_empty() {
            Clock::system().sleep(POLL_PAUSE).await;
        }

        for id in new {
            shown.push(id);

            let outcome = match answer {
                Some(answer) => self::answer(phone, id, answer, out).await,
                None => show_with_hint(phone, id, state, out).await,
            };
            outcome.or_else(|error| continue_if_ended(error, out))?;
        }
    }
}

async fn show_with_hint(
    phone: &Phone,
    id: TransactionId,
    state: &Path,
    out: &mut impl Write,
) -> CliResult {
    show(&phone.fetch(id).await?, out)?;

    writeln!(
        out,
        "  answer    countersign phone --state {} accept {id}",
        state.display()
    )?;

    Ok(())
}

/// Reports a transaction that ended between being listed and being fetched or answered; any other
/// error stays one.
fn continue_if_ended(error: Box<dyn Error>, out: &mut impl Write) -> CliResult {
    match error
        .downcast_ref::<PhoneError>()
        .and_then(PhoneError::code)
    {
        Some("already_final" | "expired" | "not_found") => {
            Ok(writeln!(out, "  too late  {error}")?)
        }
        _ => Err(error),
    }
}

pub(super) async fn scan_otp(
    phone: &Phone,
    otp: &str,
    user: Option<&UserId>,
    answer: Answer,
    out: &mut impl Write,
) -> CliResult {
    let mut profiles = phone
        .users()
        .into_iter()
        .filter(|(id, _)| user.is_none_or(|user| user == id));
    let profile = match (profiles.next(), profiles.next()) {
        (Some((_, Some(profile))), None) => profile,
        (_, Some(_)) => return Err("this phone has several users: name one with --user".into()),
        _ => return Err(PhoneError::NotEnrolled.into()),
    };

    let transaction = phone.scan_otp(otp, profile).await?;
    show_and_answer(phone, &transaction, answer, out).await
}

pub(super) async fn answer(
    phone: &Phone,
    id: TransactionId,
    answer: Answer,
    out: &mut impl Write,
) -> CliResult {
    let transaction = phone.fetch(id).await?;
    show_and_answer(phone, &transaction, answer, out).await
}

async fn show_and_answer(
    phone: &Phone,
    transaction: &FetchedTransaction,
    answer: Answer,
    out: &mut impl Write,
) -> CliResult {
    show(transaction, out)?;

    let status = match answer {
        Answer::Accept => phone.accept(transaction).await?,
        Answer::Deny => phone.deny(transaction).await?,
        Answer::Report => phone.report(transaction).await?,
    };

    writeln!(out, "  now       {status}")?;

    Ok(())
}

fn show(transaction: &FetchedTransaction, out: &mut impl Write) -> io::Result<()> {
    let pending = &transaction.pending;

    writeln!(
        out,
        "Transaction {} ({})",
        pending.transaction_id, pending.method
    )?;

    writeln!(out, "  profile   {}", pending.profile_id)?;
    writeln!(out, "  message   {}", printable(&pending.message))?;

    for (name, text) in [
        ("details", &transaction.secure_message),
        ("signs", &transaction.signing_data),
    ] {
        text.iter()
            .try_for_each(|text| writeln!(out, "  {name:<9} {}", printable(text)))?;
    }

    writeln!(out, "  ends      in {} s", pending.time_to_live_seconds)
}

/// Replaces control characters: a website's text must not be able to control the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|next| if next.is_control() { '\u{fffd}' } else { next })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_a_message_are_replaced() {
        assert_eq!(printable("a\u{1b}[2Jb\u{9b}"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
