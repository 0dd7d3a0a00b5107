//! The demo's chapters on tokens: a PIN on the phone, a thief, and a service that acts on its own.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::REDIRECT_URI;
use super::story::Cast;
use super::website::{Website, expect, text};
use crate::cli::Outcome;
use crate::phone::{ApiLoginPage, Phone, PhoneError, Proof};

const TOKEN_PATH: &str = "/oauth/token";
const REVOCATION_PATH: &str = "/oauth/revoke";
const INTROSPECTION_PATH: &str = "/oauth/introspect";
/// The audience of the demo's resource server.
pub(super) const ORDERS_AUDIENCE: &str = "https://orders.example";
/// The demo's user's PIN.
pub(super) const PIN: &str = "1234";
const MISTYPED: &str = "1243";

impl<W: Write> Cast<'_, W> {
    /// The user sets a PIN and refreshes with it. The phone is saved in between.
    pub(super) async fn pin(&mut self, phone: &Phone, file: &Path) -> Outcome {
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
        transcript.note("the refresh token belongs to the PIN: without it, it is worth nothing")?;

        transcript.step(&format!(
            "When the access token ends, {user} gives the PIN. It never leaves the phone."
        ))?;

        transcript.request(
            "POST",
            TOKEN_PATH,
            &[("grant_type", "refresh_token"), ("proof", "a JWS, ES256")],
        )?;

        phone.refresh(user, Proof::Pin(PIN)).await?;
        transcript
            .note("a new access token, and the refresh token is replaced by its successor")?;

        transcript.step(&format!(
            "{user} mistypes it: another key. Only the server can tell, and it counts."
        ))?;
        let refused = phone.refresh(user, Proof::Pin(MISTYPED)).await;
        self.refused(refused, "invalid_proof")?;

        self.transcript
            .step("And gets it right, which makes the wrong one forgotten.")?;
        phone.refresh(self.user, Proof::Pin(PIN)).await?;
        Ok(())
    }

    /// Somebody has a copy of what was saved.
    pub(super) async fn thief(
        &mut self,
        phone: &Phone,
        stolen: &Path,
        login: &ApiLoginPage,
    ) -> Outcome {
        self.transcript.part("A thief has a copy of the phone")?;
        self.transcript
            .step("The copy was made when the PIN was set. The thief tries a PIN.")?;
        let thief = Phone::load(stolen)?;
        let refused = thief.refresh(self.user, Proof::Pin("0000")).await;
        self.refused(refused, "invalid_grant")?;
        self.transcript
            .note("a refresh token is used once: two have it, so all that rests on this log-in is revoked")?;

        self.transcript
            .step(&format!("{}'s own tokens are revoked with it.", self.user))?;
        let refused = phone.refresh(self.user, Proof::Pin(PIN)).await;
        self.refused(refused, "invalid_grant")?;

        let Self {
            user, transcript, ..
        } = self;
        transcript.step(&format!(
            "{user} logs in again, which the thief cannot, and sets the PIN again."
        ))?;
        phone.log_in(login, user, REDIRECT_URI).await?;
        phone.set_pin(user, PIN).await?;
        phone.refresh(user, Proof::Pin(PIN)).await?;
        Ok(transcript.note("the phone has a user token")?)
    }

    /// The shop's server calls the orders API, no user involved.
    pub(super) async fn service(&mut self, shop: &Website, orders_api: &Website) -> Outcome {
        let transcript = &mut self.transcript;
        transcript.part("A service on its own")?;
        transcript.step(
            "The shop's server asks for a token for the orders API (RFC 6749 §4.4, RFC 8707).",
        )?;

        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "orders"),
            ("resource", ORDERS_AUDIENCE),
        ];
        let issued = shop.post(TOKEN_PATH, &form, transcript).await?;
        expect(&issued, "scope", &json!("orders"))?;
        let token = text(&issued, "access_token")?;

        transcript.step("The orders API is shown it, and asks what it means (RFC 7662).")?;
        let meaning = orders_api
            .post(INTROSPECTION_PATH, &[("token", token)], transcript)
            .await?;
        expect(&meaning, "active", &Value::Bool(true))?;
        expect(&meaning, "client_id", &json!("shop"))?;
        expect(&meaning, "aud", &json!(ORDERS_AUDIENCE))?;

        transcript.step(
            "The shop is done and revokes it (RFC 7009). From that moment on it means nothing.",
        )?;
        shop.post(REVOCATION_PATH, &[("token", token)], transcript)
            .await?;
        let meaning = orders_api
            .post(INTROSPECTION_PATH, &[("token", token)], transcript)
            .await?;
        expect(&meaning, "active", &Value::Bool(false))
    }

    /// Shows that the server said no, in this way.
    fn refused<T>(&mut self, outcome: Result<T, PhoneError>, code: &str) -> Outcome {
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
