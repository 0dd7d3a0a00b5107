//! `countersign phone`: the reference phone on the command line. Each phone is one state file.

mod args;
mod session;
mod tokens;

use std::io::{self, Write};
use std::path::Path;

use url::Url;

use super::common::{self, CliResult};
use crate::phone::{ApiUserAgent, Connection, Phone, PhoneError, PhoneProfile, UserAgent as _};
use args::{Answer, Command, LogInArgs, RegisterArgs};

pub(super) use args::PhoneArgs;

pub(super) fn run(args: PhoneArgs) -> CliResult {
    let runtime = common::single_threaded_runtime()?;
    let phone = match &args.command {
        Command::Register(register) => runtime.block_on(register_phone(register))?,
        _ => Phone::load(&args.state)?,
    };

    let outcome = runtime.block_on(run_command(
        &phone,
        args.command,
        &args.state,
        &mut io::stdout(),
    ));

    // Saved after a failure too: part of the command may have succeeded, and the server already
    // knows keys that must not be lost.
    phone.save(&args.state)?;

    outcome
}

async fn run_command(
    phone: &Phone,
    command: Command,
    state: &Path,
    out: &mut impl Write,
) -> CliResult {
    match command {
        Command::Register(_) => {
            writeln!(
                out,
                "Registered as device {}; its keys are in {}.",
                phone.device_id(),
                state.display()
            )?;

            Ok(())
        }
        Command::LogIn(args) => log_in(phone, args, out).await,
        Command::Enrol { user, push } => session::enrol(phone, &user, push, out).await,
        Command::SetPin { user, pin } => tokens::set_pin(phone, &user, pin, out).await,
        Command::SetFingerprint { user, pin } => {
            tokens::set_fingerprint(phone, &user, pin, out).await
        }
        Command::Refresh { user, with } => tokens::refresh(phone, &user, with, out).await,
        Command::Status => session::status(phone, out),
        Command::Pending => session::pending(phone, out).await,
        Command::Watch { answer } => session::watch(phone, answer, state, out).await,
        Command::Accept { transaction_id } => {
            session::answer(phone, transaction_id, Answer::Accept, out).await
        }
        Command::Deny { transaction_id } => {
            session::answer(phone, transaction_id, Answer::Deny, out).await
        }
        Command::Report { transaction_id } => {
            session::answer(phone, transaction_id, Answer::Report, out).await
        }
        Command::Otp { otp, user, answer } => {
            session::scan_otp(phone, &otp, user.as_ref(), answer, out).await
        }
    }
}

async fn register_phone(args: &RegisterArgs) -> Result<Phone, PhoneError> {
    let profile = PhoneProfile {
        device_name: args.name.clone(),
        ..PhoneProfile::new(&args.application, &args.app_version, &args.platform)
    };
    Phone::register(Connection::new(&args.server)?, &profile).await
}

async fn log_in(phone: &Phone, args: LogInArgs, out: &mut impl Write) -> CliResult {
    let begun = phone.begin_log_in(&args.redirect_uri)?;

    let ended_at = match args.login_client.zip(args.login_secret) {
        Some((client_id, secret)) => {
            let browser = ApiUserAgent::new(phone.connection().clone(), &client_id, secret.into());
            browser.log_in(&begun, &args.user).await?
        }
        None => ask_for_redirect(&begun.address, out)?,
    };

    phone.finish_log_in(begun, &args.user, &ended_at).await?;

    writeln!(out, "{} is logged in.", args.user)?;

    Ok(())
}

/// Sends the user to a browser and reads the address that the log-in ends at. Blocks the thread,
/// on which nothing else runs.
fn ask_for_redirect(address: &Url, out: &mut impl Write) -> CliResult<Url> {
    writeln!(
        out,
        "Open {address}\nin a browser, log in, and paste the address that the browser ends at:"
    )?;

    let mut line = String::new();
    io::stdin().read_line(&mut line)?;

    Ok(line.trim().parse()?)
}
