//! The steps of the demo: setting up a phone, then an authentication by push, by SMS and by OTP.
//! The steps about tokens are in `tokens.rs`.

use std::io::Write;
use std::time::Duration;

use serde_json::json;

use super::client::{Client, expect, text};
use super::fixtures::{APPLICATION, PHONE_NUMBER, PUSH_TOKEN, REDIRECT_URI};
use super::transcript::Transcript;
use crate::cli::common::CliResult;
use crate::ids::{TransactionId, UserId};
use crate::phone::{
    ApiUserAgent, Connection, FetchedTransaction, Phone, PhoneProfile, PushTransport,
};
use crate::sandbox::Sandbox;

/// Who takes part in the steps, and where they are written down.
pub(super) struct Walkthrough<'a, W> {
    pub(super) website: &'a Client,
    pub(super) sandbox: &'a Sandbox,
    pub(super) user: &'a UserId,
    pub(super) transcript: &'a mut Transcript<W>,
}

const USER_PATH: &str = "/oauth/api/v4/authenticate/user";

fn transaction_path(id: &str) -> String {
    format!("/oauth/api/v4/authenticate/transaction/{id}")
}

impl<W: Write> Walkthrough<'_, W> {
    /// Registers the phone, logs the user in on it and enrols both.
    pub(super) async fn set_up_phone(
        &mut self,
        connection: Connection,
        login: &ApiUserAgent,
    ) -> CliResult<Phone> {
        let Self {
            user, transcript, ..
        } = self;

        transcript.part("Setting up a phone")?;

        transcript.step(
            "The installed app generates a key pair and registers the public key (RFC 7591).",
        )?;

        transcript.request(
            "POST",
            "/oauth/register",
            &[("software_id", APPLICATION), ("platform", "android")],
        )?;

        let profile =
            PhoneProfile::new(APPLICATION, "1.0", "android").named(&format!("{user}'s phone"));
        let phone = Phone::register(connection, &profile).await?;
        transcript.note(&format!("device {}", phone.device_id()))?;

        transcript.step(&format!(
            "{user} logs in on the phone: authorization code with PKCE, through the login page."
        ))?;

        transcript.request("GET", "/oauth/authorize", &[("scope", "device user")])?;
        phone.log_in(login, user, REDIRECT_URI).await?;
        transcript.note("the phone has a user token")?;

        transcript.step(&format!(
            "The app enrols {user}'s keys and registers for push by FCM."
        ))?;

        transcript.request("POST", "/device/v1/enrolment", &[])?;
        let profile = phone.enrol(user).await?;
        transcript.note(&format!("{user} is profile {profile} on this phone"))?;
        transcript.request("PUT", "/device/v1/push", &[("transport", "fcm")])?;

        phone
            .enrol_push(user, PushTransport::Fcm(PUSH_TOKEN.to_owned().into()))
            .await?;

        Ok(phone)
    }

    /// The website sends a push; the user accepts.
    pub(super) async fn push(&mut self, phone: &Phone) -> CliResult {
        let Self {
            website,
            sandbox,
            user,
            transcript,
        } = self;

        transcript.part("Push: a tap on the phone")?;

        transcript.step(&format!(
            "The website looks up the methods that {user} can authenticate with."
        ))?;

        website
            .get(&format!("{USER_PATH}/{user}/enabled"), transcript)
            .await?;

        transcript.step("It starts a transaction. The secure message is not part of the push.")?;
        let callback_uri = callback_uri(sandbox);
        let form = [
            ("type", "login"),
            ("user_id", user.as_str()),
            ("message", "Log in to Demo Bank?"),
            ("secure_message", "From Firefox on Linux, in Amsterdam"),
            ("callback_uri", callback_uri.as_str()),
        ];

        let started = website.post(USER_PATH, &form, transcript).await?;
        expect(&started, "auth_method", &json!("push"))?;
        let id = text(&started, "transaction_id")?;

        transcript.step(
            "The push service delivers an opaque reference and the short message, nothing else.",
        )?;

        let push = sandbox
            .wait_for_push(PUSH_TOKEN)
            .await
            .ok_or("no push arrived")?;
        transcript.note(
            &push
                .fields
                .pointer("/message/data")
                .unwrap_or(&push.fields)
                .to_string(),
        )?;

        let transaction = self.fetch(phone, id).await?;
        self.accept(phone, &transaction).await?;

        self.learn_result(id, "push").await
    }

    /// The website sends a text message; the user types its code.
    pub(super) async fn sms(&mut self) -> CliResult {
        let Self {
            website,
            sandbox,
            user,
            transcript,
        } = self;

        transcript.part("SMS: a code in a text message")?;
        transcript.step("The website starts a transaction with the user's phone number.")?;

        let form = [
            ("type", "sms"),
            ("user_id", user.as_str()),
            ("phone_number", PHONE_NUMBER),
        ];

        let started = website.post(USER_PATH, &form, transcript).await?;
        expect(&started, "auth_method", &json!("sms"))?;
        let id = text(&started, "transaction_id")?;

        transcript.step(
            "The gateway delivers. The last line lets browsers fill the code in on that site only.",
        )?;

        let sms = sandbox
            .wait_for_sms(PHONE_NUMBER)
            .await
            .ok_or("no text message arrived")?;
        transcript.screen(&sms.text().unwrap_or_default().lines().collect::<Vec<_>>())?;
        let code = sms.code().ok_or("the text message has no code")?;

        transcript.step(&format!(
            "{user} mistypes it: the attempt is stored before the server answers."
        ))?;

        let verify = format!("{USER_PATH}/{user}/sms");
        let wrong = website
            .post_any(
                &verify,
                &[("transaction_id", id), ("sms_code", &wrong_code(code))],
                transcript,
            )
            .await?;

        expect(&wrong.body, "error_code", &json!("3003"))?;

        transcript.step(&format!("{user} types the right code."))?;

        website
            .post(
                &verify,
                &[("transaction_id", id), ("sms_code", code)],
                transcript,
            )
            .await?;

        transcript.step("The website can look up the result later.")?;
        let result = website.get(&transaction_path(id), transcript).await?;
        expect(&result, "is_authenticated", &json!(true))
    }

    /// The website shows a one-time password; the user who scans it logs in.
    pub(super) async fn otp(&mut self, phone: &Phone) -> CliResult {
        let Self {
            website,
            sandbox,
            user,
            transcript,
        } = self;

        transcript.part("OTP: a code scanned from the website")?;

        transcript.step(
            "The website starts a transaction without a user and shows its `otp` as a QR code.",
        )?;

        let callback_uri = callback_uri(sandbox);
        let form = [
            ("type", "scan"),
            ("message", "Log in with this code?"),
            ("callback_uri", callback_uri.as_str()),
        ];

        let started = website.post(USER_PATH, &form, transcript).await?;
        expect(&started, "auth_method", &json!("otp"))?;
        let (id, otp) = (text(&started, "transaction_id")?, text(&started, "otp")?);

        transcript.step(&format!(
            "{user} scans it, which makes {user} the transaction's user."
        ))?;

        transcript.request("POST", "/device/v1/otp", &[])?;
        let profile = phone.profile_id(user).ok_or("the phone is not enrolled")?;
        let transaction = phone.scan_otp(otp, profile).await?;
        transcript.screen(&[
            transaction.pending.message.as_str(),
            "",
            "[ Accept ]  [ Deny ]",
        ])?;

        self.accept(phone, &transaction).await?;

        self.learn_result(id, "otp").await
    }

    async fn fetch(&mut self, phone: &Phone, id: &str) -> CliResult<FetchedTransaction> {
        let transcript = &mut self.transcript;
        transcript.step(
            "The app fetches the transaction, decrypts it with the enrolled key and shows it.",
        )?;

        transcript.request("GET", "/device/v1/transactions?wait=5", &[])?;
        let pending = phone.pending(Duration::from_secs(5)).await?;
        let id: TransactionId = id.parse()?;
        if !pending.iter().any(|entry| entry.transaction_id == id) {
            return Err("the transaction is not in the phone's list".into());
        }

        transcript.request("GET", &format!("/device/v1/transactions/{id}"), &[])?;
        let transaction = phone.fetch(id).await?;
        let details = transaction.secure_message.as_deref().unwrap_or_default();
        transcript.screen(&[
            transaction.pending.message.as_str(),
            details,
            "",
            "[ Accept ]  [ Deny ]",
        ])?;

        Ok(transaction)
    }

    async fn accept(&mut self, phone: &Phone, transaction: &FetchedTransaction) -> CliResult {
        let transcript = &mut self.transcript;
        transcript.step(&format!(
            "{} taps Accept: the app signs a digest of what it showed.",
            self.user
        ))?;

        let path = format!(
            "/device/v1/transactions/{}/answer",
            transaction.pending.transaction_id
        );
        transcript.request(
            "POST",
            &path,
            &[("authenticator", "device"), ("answer", "a JWS, ES256")],
        )?;

        let status = phone.accept(transaction).await?;
        transcript.note(&format!("the transaction is {status}"))?;

        if status == "accepted" {
            Ok(())
        } else {
            Err(format!("the transaction is {status}").into())
        }
    }

    async fn learn_result(&mut self, id: &str, method: &str) -> CliResult {
        let Self {
            website,
            sandbox,
            user,
            transcript,
        } = self;

        transcript
            .step("The website receives a callback and verifies its credentials and signature.")?;

        let callback = sandbox
            .wait_for_callback(id)
            .await
            .ok_or("no callback arrived")?;
        transcript.note(&callback.body)?;
        sandbox.check_callback(&callback)?;
        transcript.note("Basic credentials: valid. Standard Webhooks signature: valid.")?;

        transcript.step("Then it fetches the result.")?;
        let result = website.get(&transaction_path(id), transcript).await?;
        expect(&result, "is_authenticated", &json!(true))?;
        expect(&result, "authentication_method", &json!(method))?;

        expect(&result, "user_id", &json!(user))
    }
}

fn callback_uri(sandbox: &Sandbox) -> String {
    format!("{}/callback", sandbox.endpoints().website)
}

/// As many digits, none of them right.
fn wrong_code(code: &str) -> String {
    code.chars()
        .map(|digit| if digit == '9' { '0' } else { '9' })
        .collect()
}
