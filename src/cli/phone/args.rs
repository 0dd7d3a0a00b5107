//! The arguments of `countersign phone`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use url::Url;

use super::tokens::{NewPin, Pin, RefreshArgs};
use crate::ids::{TransactionId, UserId};
use crate::phone::PushTransport;

/// Act as a phone: register, log in, enrol, answer.
#[derive(Debug, Args)]
pub(in crate::cli) struct PhoneArgs {
    /// The file that holds this phone's keys and tokens.
    #[arg(long, value_name = "FILE", default_value = "phone.json")]
    pub(super) state: PathBuf,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Generate a key pair and register as a device of an application.
    Register(RegisterArgs),
    /// Log a user in.
    LogIn(LogInArgs),
    /// Enrol the user's keys and choose how this phone receives pushes.
    Enrol {
        /// A user who is logged in.
        user: UserId,
        /// `poll`, `fcm:TOKEN` or `apns:TOKEN`.
        #[arg(long, default_value = "poll", value_parser = transport)]
        push: PushTransport,
    },
    /// Set or change the user's PIN, which is then needed to refresh.
    SetPin {
        /// A user who has just logged in or already has a PIN.
        user: UserId,
        #[command(flatten)]
        pin: NewPin,
    },
    /// Generate a key that a real phone would release by fingerprint.
    SetFingerprint {
        /// A user who has a PIN.
        user: UserId,
        #[command(flatten)]
        pin: Pin,
    },
    /// Get a new access token for the user without logging in.
    Refresh {
        /// A user who is logged in.
        user: UserId,
        #[command(flatten)]
        with: RefreshArgs,
    },
    /// Show this phone's users and their refresh tokens.
    Status,
    /// Show the transactions that wait for an answer.
    Pending,
    /// Show transactions as they arrive, until interrupted.
    Watch {
        /// Answer each of them like this.
        #[arg(long)]
        answer: Option<Answer>,
    },
    /// Accept a transaction.
    Accept { transaction_id: TransactionId },
    /// Deny a transaction.
    Deny { transaction_id: TransactionId },
    /// Deny a transaction and report that the user did not start it.
    Report { transaction_id: TransactionId },
    /// Scan a one-time password and answer its transaction.
    Otp {
        /// The code that the website shows.
        otp: String,
        /// Who scans it. Needed if the phone has several users.
        #[arg(long)]
        user: Option<UserId>,
        #[arg(long, default_value = "accept")]
        answer: Answer,
    },
}

#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    /// The server's public address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(super) server: Url,
    /// The application's id.
    #[arg(long, value_name = "ID")]
    pub(super) application: String,
    /// The application's version.
    #[arg(long, value_name = "VERSION")]
    pub(super) app_version: String,
    /// `android` or `ios`.
    #[arg(long, default_value = "android")]
    pub(super) platform: String,
    /// The user's name for the phone.
    #[arg(long)]
    pub(super) name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct LogInArgs {
    /// Who logs in.
    pub(super) user: UserId,
    /// One of the application's redirect URIs.
    #[arg(long, value_name = "URI")]
    pub(super) redirect_uri: String,
    /// Act as the login page too, as this API client. It needs the permission
    /// `user_authentication`.
    #[arg(long, value_name = "CLIENT_ID", requires = "login_secret")]
    pub(super) login_client: Option<String>,
    /// The secret of that API client.
    #[arg(
        long,
        value_name = "SECRET",
        env = "PHONE_LOGIN_SECRET",
        hide_env_values = true
    )]
    pub(super) login_secret: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Answer {
    Accept,
    Deny,
    Report,
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
    fn transports_are_parsed_as_documented() {
        assert!(matches!(transport("poll"), Ok(PushTransport::Poll)));

        assert!(
            matches!(transport("fcm:a:b"), Ok(PushTransport::Fcm(token)) if token.expose() == "a:b")
        );

        assert!(matches!(transport("apns:00ff"), Ok(PushTransport::Apns(_))));
        assert!(transport("carrier-pigeon").is_err());
    }
}
