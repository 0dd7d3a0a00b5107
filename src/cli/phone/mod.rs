//! `countersign phone`: the reference phone on the command line, one state file for each phone.

mod session;
mod tokens;

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use url::Url;

use crate::ids::{TransactionId, UserId};
use crate::phone::{
    ApiLoginPage, Connection, LoginPage as _, Phone, PhoneError, PhoneProfile, PushTransport,
};

type Outcome = Result<(), Box<dyn Error>>;

/// Be a phone: register, log in, enrol, answer.
#[derive(Debug, Args)]
pub(super) struct PhoneArgs {
    /// The file that holds this phone's keys and tokens.
    #[arg(long, value_name = "FILE", default_value = "phone.json")]
    state: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key pair and register as an installation of an application.
    Register(Register),
    /// Log a user in.
    LogIn(LogIn),
    /// Enrol the user's keys, and how the user is asked on this phone.
    Enrol {
        /// Who has logged in.
        user: UserId,
        /// `poll`, `fcm:TOKEN` or `apns:TOKEN`.
        #[arg(long, default_value = "poll", value_parser = transport)]
        push: PushTransport,
    },
    /// Set the user's PIN, or change it: from then on it is needed to refresh.
    SetPin {
        /// Who has logged in a moment ago, or has a PIN.
        user: UserId,
        #[command(flatten)]
        pin: tokens::NewPin,
    },
    /// Make a key that stands in for one that a fingerprint releases.
    SetFingerprint {
        /// Who has a PIN.
        user: UserId,
        #[command(flatten)]
        pin: tokens::Pin,
    },
    /// Get the user a new access token, without logging in.
    Refresh {
        /// Who has logged in.
        user: UserId,
        #[command(flatten)]
        with: tokens::With,
    },
    /// Who uses this phone, and which refresh tokens it has.
    Status,
    /// What waits for an answer now.
    Pending,
    /// Show what comes in, until interrupted.
    Watch {
        /// Answer everything at once.
        #[arg(long)]
        answer: Option<Answer>,
    },
    /// Yes.
    Accept {
        /// What is answered.
        transaction_id: TransactionId,
    },
    /// No.
    Deny {
        /// What is answered.
        transaction_id: TransactionId,
    },
    /// No, and it was not me who asked.
    Report {
        /// What is answered.
        transaction_id: TransactionId,
    },
    /// Scan a one-time password and answer.
    Otp {
        /// What the website shows.
        otp: String,
        /// Who scans, where the phone has several users.
        #[arg(long)]
        user: Option<UserId>,
        /// What to answer.
        #[arg(long, default_value = "accept")]
        answer: Answer,
    },
}

#[derive(Debug, Args)]
struct Register {
    /// The server's public address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: Url,
    /// The application's id.
    #[arg(long, value_name = "ID")]
    application: String,
    /// Its version.
    #[arg(long, value_name = "VERSION")]
    app_version: String,
    /// `android` or `ios`.
    #[arg(long, default_value = "android")]
    platform: String,
    /// As the user calls the phone.
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Args)]
struct LogIn {
    /// Who logs in.
    user: UserId,
    /// One of the application's redirect URIs.
    #[arg(long, value_name = "URI")]
    redirect_uri: String,
    /// Be the login page as well, as this API client with the permission `user_authentication`.
    #[arg(long, value_name = "CLIENT_ID", requires = "login_secret")]
    login_client: Option<String>,
    /// Its secret.
    #[arg(
        long,
        value_name = "SECRET",
        env = "PHONE_LOGIN_SECRET",
        hide_env_values = true
    )]
    login_secret: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Answer {
    Accept,
    Deny,
    Report,
}

/// Runs one command of the phone.
pub(super) fn run(args: PhoneArgs) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let phone = match &args.command {
        Command::Register(register) => runtime.block_on(register.run())?,
        _ => Phone::load(&args.state)?,
    };

    let outcome = runtime.block_on(command(
        &phone,
        args.command,
        &args.state,
        &mut io::stdout(),
    ));
    // Half of a command may have succeeded: keys that the server knows must not be lost.
    phone.save(&args.state)?;
    outcome
}

async fn command(phone: &Phone, command: Command, state: &Path, out: &mut impl Write) -> Outcome {
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
        Command::LogIn(log_in) => log_in.run(phone, out).await,
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
            session::scan(phone, &otp, user.as_ref(), answer, out).await
        }
    }
}

impl Register {
    async fn run(&self) -> Result<Phone, PhoneError> {
        let profile = PhoneProfile::new(&self.application, &self.app_version, &self.platform);
        let profile = PhoneProfile {
            device_name: self.name.clone(),
            ..profile
        };
        Phone::register(Connection::new(&self.server)?, &profile).await
    }
}

impl LogIn {
    async fn run(self, phone: &Phone, out: &mut impl Write) -> Outcome {
        let begun = phone.begin_log_in(&self.redirect_uri).await?;

        let redirected_to = match self.login_client.zip(self.login_secret) {
            Some((client_id, secret)) => {
                let page = ApiLoginPage::new(phone.connection().clone(), &client_id, secret.into());
                page.log_in(&begun.login_challenge()?, &self.user).await?
            }
            None => ask_for_redirect(&begun.login_page, out)?,
        };

        phone
            .finish_log_in(begun, &self.user, redirected_to)
            .await?;
        writeln!(out, "{} is logged in.", self.user)?;
        Ok(())
    }
}

/// The user logs in with a browser and brings back where it ended. Nothing else runs meanwhile that
/// this could block.
fn ask_for_redirect(login_page: &Url, out: &mut impl Write) -> Result<Url, Box<dyn Error>> {
    writeln!(
        out,
        "Log in at {login_page}\nand paste the address the browser is sent to:"
    )?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim().parse()?)
}

fn transport(text: &str) -> Result<PushTransport, String> {
    match text.split_once(':') {
        None if text == "poll" => Ok(PushTransport::Poll),
        Some(("fcm", token)) => Ok(PushTransport::Fcm(token.to_owned().into())),
        Some(("apns", token)) => Ok(PushTransport::Apns(token.to_owned().into())),
        _ => Err("must be poll, fcm:TOKEN or apns:TOKEN".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_are_read_as_documented() {
        assert!(matches!(transport("poll"), Ok(PushTransport::Poll)));
        assert!(
            matches!(transport("fcm:a:b"), Ok(PushTransport::Fcm(token)) if token.expose() == "a:b")
        );
        assert!(matches!(transport("apns:00ff"), Ok(PushTransport::Apns(_))));
        assert!(transport("carrier-pigeon").is_err());
    }
}
