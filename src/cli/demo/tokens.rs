//! The demo's steps about tokens: refreshing with a PIN, a stolen phone state, and a service that
//! gets tokens for itself.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::client::{Client, expect, text};
use super::fixtures::{MISTYPED_PIN, ORDERS_AUDIENCE, PIN, REDIRECT_URI, SHOP};
use super::walkthrough::Walkthrough;
use crate::cli::common::CliResult;
use crate::phone::{ApiUserAgent, Phone, PhoneError, Proof};

const TOKEN_PATH: &str = "/oauth/token";
const REVOCATION_PATH: &str = "/oauth/revoke";
const INTROSPECTION_PATH: &str = "/oauth/introspect";

impl<W: Write> Walkthrough<'_, W> {
    /// The user sets a PIN and refreshes with it. In between the phone's state is saved to `file`.
    pub(super) async fn pin(&mut self, phone: &Phone, file: &Path) -> CliResult {
        let Self {
            user, transcript, ..
        } = self;
        transcript.part("PIN: new tokens without logging in")?;

        transcript.step(&format!(
            "{user} sets a PIN. The app derives a key from it; the server gets the public part."
        ))?;

        transcript.request("PUT", "/device/v1/authenticators/pin", &[])?;

        transcript.request(
            "POST",
            TOKEN_PATH,
            &[("grant_type", "refresh_token"), ("authenticator", "pin")],
        )?;

        phone.set_pin(user, PIN).await?;
        phone.save(file)?;
        transcript.note("the refresh token is bound to the PIN and useless without it")?;

        transcript.step(&format!(
            "When the access token expires, {user} enters the PIN. It never leaves the phone."
        ))?;

        transcript.request(
            "POST",
            TOKEN_PATH,
            &[("grant_type", "refresh_token"), ("proof", "a JWS, ES256")],
        )?;

        phone.refresh(user, Proof::Pin(PIN)).await?;
        transcript.note("the phone has a new access token and a new refresh token")?;

        transcript.step(&format!(
            "{user} mistypes it, which derives another key. Only the server can tell, and it counts."
        ))?;

        let refused = phone.refresh(user, Proof::Pin(MISTYPED_PIN)).await;
        self.expect_refusal(refused, "invalid_proof")?;

        self.transcript.step(&format!(
            "{} enters the right PIN, which resets the count.",
            self.user
        ))?;

        phone.refresh(self.user, Proof::Pin(PIN)).await?;

        Ok(())
    }

    /// Somebody uses a copy of the phone's state from before the last refreshes.
    pub(super) async fn stolen_copy(
        &mut self,
        phone: &Phone,
        stolen: &Path,
        login: &ApiUserAgent,
    ) -> CliResult {
        self.transcript
            .part("A thief has a copy of the phone's state")?;
        self.transcript
            .step("The copy was made when the PIN was set. The thief tries a PIN.")?;
        let thief = Phone::load(stolen)?;
        let refused = thief.refresh(self.user, Proof::Pin("0000")).await;
        self.expect_refusal(refused, "invalid_grant")?;
        self.transcript
            .note("this refresh token was used before: all tokens of this log-in are revoked")?;

        self.transcript
            .step(&format!("{}'s own tokens are among them.", self.user))?;
        let refused = phone.refresh(self.user, Proof::Pin(PIN)).await;
        self.expect_refusal(refused, "invalid_grant")?;

        let Self {
            user, transcript, ..
        } = self;
        transcript.step(&format!(
            "{user} logs in again, which the thief cannot do, and sets the PIN again."
        ))?;

        phone.log_in(login, user, REDIRECT_URI).await?;
        phone.set_pin(user, PIN).await?;
        phone.refresh(user, Proof::Pin(PIN)).await?;

        Ok(transcript.note("the phone has a user token")?)
    }

    /// The shop's server calls the orders API; no user is involved.
    pub(super) async fn client_credentials(
        &mut self,
        shop: &Client,
        orders_api: &Client,
    ) -> CliResult {
        let transcript = &mut self.transcript;
        transcript.part("A service without a user")?;

        transcript.step(
            "The shop's server requests a token for the orders API (RFC 6749 §4.4, RFC 8707).",
        )?;

        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "orders"),
            ("resource", ORDERS_AUDIENCE),
        ];

        let issued = shop.post(TOKEN_PATH, &form, transcript).await?;
        expect(&issued, "scope", &json!("orders"))?;
        let token = text(&issued, "access_token")?;

        transcript.step("The orders API receives the token and introspects it (RFC 7662).")?;

        let introspection = orders_api
            .post(INTROSPECTION_PATH, &[("token", token)], transcript)
            .await?;
        expect(&introspection, "active", &Value::Bool(true))?;
        expect(&introspection, "client_id", &json!(SHOP))?;
        expect(&introspection, "aud", &json!(ORDERS_AUDIENCE))?;

        transcript.step(
            "The shop no longer needs the token and revokes it (RFC 7009), effective at once.",
        )?;

        shop.post(REVOCATION_PATH, &[("token", token)], transcript)
            .await?;

        let introspection = orders_api
            .post(INTROSPECTION_PATH, &[("token", token)], transcript)
            .await?;
        expect(&introspection, "active", &Value::Bool(false))
    }

    /// Writes down the server's refusal; fails unless its error code is `code`.
    fn expect_refusal<T>(&mut self, outcome: Result<T, PhoneError>, code: &str) -> CliResult {
        let error = outcome.err().ok_or("the server did not refuse")?;
        if error.code() != Some(code) {
            return Err(error.into());
        }

        let left = error
            .attempts_left()
            .map(|left| format!(" ({left} attempts left)"))
            .unwrap_or_default();
        Ok(self.transcript.note(&format!("{error}{left}"))?)
    }
}
