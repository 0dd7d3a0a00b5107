//! Refresh tokens on the command line. A PIN may come from the environment or be typed; it does not
//! have to be an argument.

use std::error::Error;
use std::io::{self, Write};

use clap::Args;

use super::Outcome;
use crate::ids::UserId;
use crate::phone::{Phone, Proof};
use crate::secret::SecretString;

/// The user's PIN.
#[derive(Debug, Args)]
pub(super) struct Pin {
    /// Asked for on standard input if it is needed and not given.
    #[arg(long, value_name = "PIN", env = "PHONE_PIN", hide_env_values = true)]
    pin: Option<String>,
}

/// What to refresh with: the PIN, unless another authenticator is named.
#[derive(Debug, Args)]
pub(super) struct With {
    #[command(flatten)]
    pin: Pin,
    /// Use the key that stands in for a fingerprint.
    #[arg(long, conflicts_with = "custom")]
    fingerprint: bool,
    /// Use the key of this authenticator of the application's own.
    #[arg(long, value_name = "ID")]
    custom: Option<String>,
}

/// The PIN that is to be, and the one there is.
#[derive(Debug, Args)]
pub(super) struct NewPin {
    #[command(flatten)]
    pin: Pin,
    /// The PIN until now. Not needed by who has just logged in.
    #[arg(
        long,
        value_name = "PIN",
        env = "PHONE_OLD_PIN",
        hide_env_values = true
    )]
    old_pin: Option<String>,
}

impl Pin {
    fn read(self, out: &mut impl Write) -> Result<SecretString, Box<dyn Error>> {
        given_or_typed(self.pin, "PIN: ", out)
    }
}

fn given_or_typed(
    given: Option<String>,
    prompt: &str,
    out: &mut impl Write,
) -> Result<SecretString, Box<dyn Error>> {
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
) -> Outcome {
    let has_just_logged_in = phone
        .refresh_tokens(user)
        .iter()
        .any(|name| name == "default");
    if needs_pin(phone, user) && !has_just_logged_in {
        let old = given_or_typed(new.old_pin, "Old PIN: ", out)?;
        let pin = new.pin.read(out)?;
        phone
            .change_pin(user, old.expose(), pin.expose())
            .await
            .map_err(with_attempts_left)?;
        return Ok(writeln!(out, "{user} has another PIN on this phone.")?);
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
) -> Outcome {
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
    with: With,
    out: &mut impl Write,
) -> Outcome {
    match with {
        With {
            fingerprint: true, ..
        } => phone.refresh(user, Proof::Fingerprint).await?,
        With {
            custom: Some(id), ..
        } => phone.refresh(user, Proof::Custom(&id)).await?,
        With { pin, .. } if needs_pin(phone, user) => {
            let pin = pin.read(out)?;
            phone
                .refresh(user, Proof::Pin(pin.expose()))
                .await
                .map_err(with_attempts_left)?
        }
        With { .. } => phone.refresh(user, Proof::None).await?,
    };

    Ok(writeln!(out, "{user} has a new access token.")?)
}

fn needs_pin(phone: &Phone, user: &UserId) -> bool {
    phone.refresh_tokens(user).iter().any(|name| name == "pin")
}

fn with_attempts_left(error: crate::phone::PhoneError) -> Box<dyn Error> {
    match error.attempts_left() {
        Some(left) => format!("{error} ({left} attempts left)").into(),
        None => error.into(),
    }
}
