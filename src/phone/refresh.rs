//! Refresh tokens (RFC 6749 §6). Each may be bound to an authenticator, which has to prove its
//! presence, and each is used once.
//!
//! The phone replaces a token when the response arrives. If the response is lost, the phone sends
//! the same token again, and for a short time the server returns the same successor.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::device::Phone;

use super::error::PhoneError;
use super::saved::{DEFAULT, FINGERPRINT, PIN, SavedSecret};
use super::tokens::{Form, Issued};
use crate::ids::UserId;
use crate::jose::{PrivateJwk, jws};
use crate::secret::{SecretString, sha256};

/// The `typ` of a proof.
const PROOF_TYPE: &str = "refresh-proof+jwt";
/// How many times a token is sent before the server is considered unreachable.
const TRIES_MAX: usize = 2;

/// The authenticator that proves its presence. It selects the refresh token that is bound to it.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// For a refresh token that is not bound to an authenticator.
    None,
    /// The PIN, right or wrong.
    Pin(&'a str),
    Fingerprint,
    /// The id of a custom authenticator.
    Custom(&'a str),
}

impl Proof<'_> {
    /// The authenticator's name on the wire.
    pub(super) fn authenticator(&self) -> Cow<'static, str> {
        match self {
            Self::None => DEFAULT.into(),
            Self::Pin(_) => PIN.into(),
            Self::Fingerprint => FINGERPRINT.into(),
            Self::Custom(id) => format!("custom:{id}").into(),
        }
    }
}

impl Phone {
    /// A user's access token. If it is about to expire, it is refreshed, unless that needs an
    /// authenticator.
    ///
    /// # Errors
    ///
    /// After [`PhoneError::AuthenticatorNeeded`] call [`Phone::refresh`]; after
    /// [`PhoneError::NotLoggedIn`] the user has to log in.
    pub async fn user_token(&self, user: &UserId) -> Result<SecretString, PhoneError> {
        if let Some(access_token) = self.usable_token(user) {
            return Ok(access_token);
        }
        let _refreshing = self.0.refresh_lock.lock().await;
        self.user_token_locked(user).await
    }

    /// Forgets a user's access token, so that the next call needs a new one.
    pub fn forget_user_token(&self, user: &UserId) {
        self.update_user(user, |saved| saved.token = None);
    }

    /// Gets a new access token with the refresh token of this authenticator.
    ///
    /// # Errors
    ///
    /// A wrong PIN is refused with the code `invalid_proof`, and with `user_disconnected` if it was
    /// the last attempt; then the phone forgets the user. It also forgets what the server no longer
    /// knows (`invalid_grant`, `authenticator_gone`).
    pub async fn refresh(
        &self,
        user: &UserId,
        proof: Proof<'_>,
    ) -> Result<SecretString, PhoneError> {
        let _refreshing = self.0.refresh_lock.lock().await;
        self.refresh_locked(user, proof).await
    }

    /// The caller holds `refresh_lock`.
    pub(super) async fn user_token_locked(
        &self,
        user: &UserId,
    ) -> Result<SecretString, PhoneError> {
        if let Some(access_token) = self.usable_token(user) {
            return Ok(access_token);
        }

        self.require_unbound_refresh_token(user)?;
        let refreshed = self.refresh_locked(user, Proof::None).await;

        refreshed.map_err(|error| match error.code() {
            Some("authenticator_required") => PhoneError::AuthenticatorNeeded(user.clone()),
            Some("invalid_grant" | "user_disconnected") => PhoneError::NotLoggedIn(user.clone()),
            _ => error,
        })
    }

    /// Fails unless the user has a refresh token that is not bound to an authenticator.
    pub(super) fn require_unbound_refresh_token(&self, user: &UserId) -> Result<(), PhoneError> {
        let authenticators = self.refresh_tokens(user);
        if authenticators.is_empty() {
            return Err(PhoneError::NotLoggedIn(user.clone()));
        }

        if !authenticators.iter().any(|name| name == DEFAULT) {
            return Err(PhoneError::AuthenticatorNeeded(user.clone()));
        }

        Ok(())
    }

    /// Gets a further refresh token, which is bound to `authenticator`. The one that `proof` selects
    /// remains. The caller holds `refresh_lock`.
    pub(super) async fn bind_locked(
        &self,
        user: &UserId,
        authenticator: &str,
        proof: Proof<'_>,
    ) -> Result<(), PhoneError> {
        let mut form = self.refresh_form(user, proof).await?;
        form.push(("authenticator", authenticator.to_owned()));

        let issued = self
            .send_refresh(user, &proof.authenticator(), form)
            .await?;
        self.store_tokens(user, authenticator, issued);

        Ok(())
    }

    pub(super) fn store_tokens(&self, user: &UserId, authenticator: &str, issued: Issued) {
        let mut saved = self.0.saved.lock();
        let saved_user = saved.users.entry(user.clone()).or_default();
        saved_user.token = Some(issued.token);

        if let Some(refresh_token) = issued.refresh_token {
            saved_user
                .refresh_tokens
                .insert(authenticator.to_owned(), SavedSecret(refresh_token));
        }
    }

    /// The caller holds `refresh_lock`.
    pub(super) async fn refresh_locked(
        &self,
        user: &UserId,
        proof: Proof<'_>,
    ) -> Result<SecretString, PhoneError> {
        let form = self.refresh_form(user, proof).await?;
        let issued = self
            .send_refresh(user, &proof.authenticator(), form)
            .await?;
        let access_token = issued.token.access_token.clone();
        self.store_tokens(user, &proof.authenticator(), issued);

        Ok(access_token)
    }

    /// Sends a refresh token, a second time if the response was lost. Forgets what the server no
    /// longer knows.
    async fn send_refresh(
        &self,
        user: &UserId,
        authenticator: &str,
        form: Form,
    ) -> Result<Issued, PhoneError> {
        let mut result = self.request_token(form.clone()).await;
        for _ in 1..TRIES_MAX {
            if !matches!(result, Err(PhoneError::Unreachable(_))) {
                break;
            }
            result = self.request_token(form.clone()).await;
        }

        match result.as_ref().err().and_then(PhoneError::code) {
            Some("user_disconnected") => drop(self.0.saved.lock().users.remove(user)),
            Some("invalid_grant") => {
                self.update_user(user, |saved| {
                    drop(saved.refresh_tokens.remove(authenticator));
                });
            }
            // If the request was to bind, the authenticator to bind to may be the one that is gone.
            Some("authenticator_gone")
                if !form.iter().any(|(name, _)| *name == "authenticator") =>
            {
                self.update_user(user, |saved| saved.forget_authenticator(authenticator));
            }
            _ => {}
        }

        result
    }

    /// The parameters of a refresh: the refresh token of this authenticator and its proof.
    async fn refresh_form(&self, user: &UserId, proof: Proof<'_>) -> Result<Form, PhoneError> {
        let saved = self.0.saved.lock().users.get(user).cloned();
        let saved = saved.ok_or_else(|| PhoneError::NotLoggedIn(user.clone()))?;

        let name = proof.authenticator();
        let none = || PhoneError::NoRefreshToken(name.to_string());
        let SavedSecret(refresh_token) =
            saved.refresh_tokens.get(name.as_ref()).ok_or_else(none)?;
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh_token.expose().to_owned()),
        ];

        let key = match proof {
            Proof::None => None,
            Proof::Pin(pin) => Some(saved.pin.as_ref().ok_or_else(none)?.key(pin).await?),
            Proof::Fingerprint | Proof::Custom(_) => {
                Some(saved.keys.get(name.as_ref()).ok_or_else(none)?.0.clone())
            }
        };

        if let Some(key) = key {
            form.push(("proof", self.sign_proof(&key, refresh_token)?));
        }

        Ok(form)
    }

    fn sign_proof(
        &self,
        key: &PrivateJwk,
        refresh_token: &SecretString,
    ) -> Result<String, PhoneError> {
        let claims = json!({
            "refresh_token_hash": URL_SAFE_NO_PAD.encode(sha256(refresh_token.expose().as_bytes())),
            "iat": self.0.connection.clock.now().as_secs(),
        });
        jws::sign(key, Some(PROOF_TYPE), claims.to_string().as_bytes())
            .map_err(PhoneError::Cryptography)
    }

    /// The user's access token, unless it is about to expire.
    pub(super) fn usable_token(&self, user: &UserId) -> Option<SecretString> {
        let saved = self.0.saved.lock();
        saved
            .users
            .get(user)
            .and_then(|user| self.usable(user.token.as_ref()?))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::phone::connection::Connection;
    use crate::phone::device::new_key;
    use crate::phone::saved::{Saved, SavedUser, Token};

    /// Answers the request of each connection with the next of these, or hangs up if it is empty.
    /// Returns the refresh tokens that it received.
    fn server(answers: [&'static str; 2]) -> (url::Url, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();

        let serve = move |answer: &str| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            while !request.contains("refresh_token=") || !request.contains("client_assertion=") {
                let mut chunk = [0; 4096];
                let length = stream.read(&mut chunk).unwrap();
                assert_ne!(length, 0, "the request ended early");
                request.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
            }

            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            if !answer.is_empty() {
                stream
                    .write_all([head.as_bytes(), answer.as_bytes()].concat().as_slice())
                    .unwrap();
            }

            let (_, parameters) = request.split_once("refresh_token=").unwrap();
            parameters.split('&').next().unwrap().to_owned()
        };

        (url, std::thread::spawn(move || answers.map(serve).into()))
    }

    #[tokio::test]
    async fn a_refresh_token_is_sent_again_if_the_response_was_lost() {
        let (url, received) = server([
            "",
            r#"{"access_token":"A2","expires_in":900,"refresh_token":"R2"}"#,
        ]);
        let connection = Connection::new(&url).unwrap();
        let alice: UserId = "alice".parse().unwrap();
        let renew_at = connection.clock.now();
        let token = Some(Token {
            access_token: SecretString::new("A1".to_owned()),
            renew_at,
        });
        let mut user = SavedUser {
            token,
            ..SavedUser::default()
        };
        user.refresh_tokens.insert(
            DEFAULT.to_owned(),
            SavedSecret(SecretString::new("R1".to_owned())),
        );

        let saved = Saved {
            server: url,
            device_id: "D1".parse().unwrap(),
            registration_access_token: SecretString::default(),
            key: new_key(&connection).unwrap(),
            users: [(alice.clone(), user)].into(),
        };

        let phone = Phone::from_saved(connection, saved);

        assert_eq!(phone.user_token(&alice).await.unwrap().expose(), "A2");
        assert_eq!(received.join().unwrap(), ["R1", "R1"]);

        let saved = phone.0.saved.lock();
        assert_eq!(saved.users[&alice].refresh_tokens[DEFAULT].0.expose(), "R2");
    }
}
