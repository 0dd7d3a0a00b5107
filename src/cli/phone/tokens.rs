//! The commands about PINs and refresh tokens. A PIN can be an argument, an environment variable or
//! be typed, so that it need not show in the list of processes.

use std::error::Error;
use std::io::{self, Write};

use clap::Args;

use crate::cli::common::CliResult;
use crate::ids::UserId;
use crate::phone::{Phone, PhoneError, Proof};
use crate::secret::SecretString;

#[derive(Debug, Args)]
pub(super) struct Pin {
    /// The PIN. If it is needed and not given, it is read from standard input.
    #[arg(long, value_name = "PIN", env = "PHONE_PIN", hide_env_values = true)]
    pin: Option<String>,
}

/// What to refresh with: the PIN, unless another authenticator is named.
#[derive(Debug, Args)]
pub(super) struct RefreshArgs {
    #[command(flatten)]
    pin: Pin,
    /// Use the fingerprint's key.
    #[arg(long, conflicts_with = "custom")]
    fingerprint: bool,
    /// Use the key of this custom authenticator.
    #[arg(long, value_name = "ID")]
    custom: Option<String>,
}

/// The new PIN, and the old one if there is one.
#[derive(Debug, Args)]
pub(super) struct NewPin {
    #[command(flatten)]
    pin: Pin,
    /// The old PIN. Not needed if the user has just logged in.
    #[arg(
        long,
        value_name = "PIN",
        env = "PHONE_OLD_PIN",
        hide_env_values = true
    )]
    old_pin: Option<String>,
}

impl Pin {
    fn read(self, out: &mut impl Write) -> CliResult<SecretString> {
        read_pin(self.pin, "PIN: ", out)
    }
}

/// The given PIN, or one that is typed.
fn read_pin(given: Option<String>, prompt: &str, out: &mut impl Write) -> CliResult<SecretString> {
    let pin = match given {
        Some(pin) => SecretString::new(pin),
        None => {
            write!(out, "{prompt}")?;
            out.flush()?;
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            SecretString::new(line.trim_end_matches(['\r', '\n']).to_owned())
        }
    };

    if pin.expose().is_empty() {
        Err("the PIN is empty".into())
    } else {
        Ok(pin)
    }
}

pub(super) async fn set_pin(
    phone: &Phone,
    user: &UserId,
    new: NewPin,
    out: &mut impl Write,
) -> CliResult {
    // A log-in leaves a refresh token that is bound to no authenticator yet. It allows setting a
    // PIN without the old one.
    let has_just_logged_in = phone
        .refresh_tokens(user)
        .iter()
        .any(|name| name == "default");

    if needs_pin(phone, user) && !has_just_logged_in {
        let old = read_pin(new.old_pin, "Old PIN: ", out)?;
        let pin = new.pin.read(out)?;
        phone
            .change_pin(user, old.expose(), pin.expose())
            .await
            .map_err(with_attempts_left)?;

        return Ok(writeln!(out, "{user} has a new PIN on this phone.")?);
    }

    let pin = new.pin.read(out)?;
    phone.set_pin(user, pin.expose()).await?;

    Ok(writeln!(out, "{user} has a PIN on this phone.")?)
}

pub(super) async fn set_fingerprint(
    phone: &Phone,
    user: &UserId,
    pin: Pin,
    out: &mut impl Write,
) -> CliResult {
    if needs_pin(phone, user) {
        let pin = pin.read(out)?;
        phone
            .set_fingerprint(user, Proof::Pin(pin.expose()))
            .await?;
    } else {
        phone.set_fingerprint(user, Proof::None).await?;
    }

    Ok(writeln!(out, "{user} has a fingerprint on this phone.")?)
}

pub(super) async fn refresh(
    phone: &Phone,
    user: &UserId,
    with: RefreshArgs,
    out: &mut impl Write,
) -> CliResult {
    match with {
        RefreshArgs {
            fingerprint: true, ..
        } => phone.refresh(user, Proof::Fingerprint).await?,
        RefreshArgs {
            custom: Some(id), ..
        } => phone.refresh(user, Proof::Custom(&id)).await?,
        RefreshArgs { pin, .. } if needs_pin(phone, user) => {
            let pin = pin.read(out)?;
            phone
                .refresh(user, Proof::Pin(pin.expose()))
                .await
                .map_err(with_attempts_left)?
        }
        RefreshArgs { .. } => phone.refresh(user, Proof::None).await?,
    };

    Ok(writeln!(out, "{user} has a new access token.")?)
}

fn needs_pin(phone: &Phone, user: &UserId) -> bool {
    phone.refresh_tokens(user).iter().any(|name| name == "pin")
}

fn with_attempts_left(error: PhoneError) -> Box<dyn Error> {
    match error.attempts_left() {
        Some(left) => format!("{error} ({left} attempts left)").into(),
        None => error.into(),
    }
}
