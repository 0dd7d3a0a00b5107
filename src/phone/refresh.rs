//! Refresh tokens (RFC 6749 §6): each belongs to an authenticator, which proves that it is there,
//! and each is used once.
//!
//! A token is replaced when the answer has arrived. One that was lost on the way is asked for again
//! with the same token, and the server gives the same successor, for a moment.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::Phone;
use super::authenticators::{DEFAULT, FINGERPRINT, PIN};
use super::error::PhoneError;
use super::saved::{SavedSecret, SavedUser};
use super::tokens::{Form, Issued};
use crate::ids::UserId;
use crate::jose::{PrivateJwk, jws};
use crate::secret::{SecretString, sha256};

/// `typ` of a proof.
const PROOF_TYPE: &str = "refresh-proof+jwt";
/// How often one token is sent before the server counts as unreachable.
const TRIES_MAX: usize = 2;

/// What a refresh is proven with: the authenticator that the refresh token belongs to.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// Nothing: the class `default`, of applications without PINs.
    None,
    /// The PIN, right or wrong.
    Pin(&'a str),
    /// The key that stands in for one that a fingerprint releases.
    Fingerprint,
    /// The key of an authenticator of the application's own, by its id.
    Custom(&'a str),
}

impl Proof<'_> {
    /// The name on the wire.
    pub(super) fn class(&self) -> Cow<'static, str> {
        match self {
            Self::None => DEFAULT.into(),
            Self::Pin(_) => PIN.into(),
            Self::Fingerprint => FINGERPRINT.into(),
            Self::Custom(id) => format!("custom:{id}").into(),
        }
    }
}

impl Phone {
    /// A user's access token: the one at hand while it is good, else a new one where nothing has to
    /// be proven for that. With [`PhoneError::AuthenticatorNeeded`] it takes a [`Phone::refresh`],
    /// with [`PhoneError::NotLoggedIn`] a log-in.
    pub async fn user_token(&self, user: &UserId) -> Result<SecretString, PhoneError> {
        if let Some(access_token) = self.usable_token(user) {
            return Ok(access_token);
        }
        let _turn = self.0.refreshing.lock().await;
        self.user_token_in_turn(user).await
    }

    /// Forgets a user's access token, so that the next call needs a new one.
    pub fn forget_user_token(&self, user: &UserId) {
        self.change(user, |saved| saved.token = None);
    }

    /// Gets a new access token for the refresh token of this authenticator. A wrong PIN is refused
    /// with the code `invalid_proof`, the last one with `user_disconnected`: then the phone forgets
    /// the user. What the server does not know any more (`invalid_grant`, `authenticator_gone`) is
    /// forgotten as well.
    pub async fn refresh(
        &self,
        user: &UserId,
        proof: Proof<'_>,
    ) -> Result<SecretString, PhoneError> {
        let _turn = self.0.refreshing.lock().await;
        self.refresh_in_turn(user, proof).await
    }

    /// Only with `refreshing` held.
    pub(super) async fn user_token_in_turn(
        &self,
        user: &UserId,
    ) -> Result<SecretString, PhoneError> {
        if let Some(access_token) = self.usable_token(user) {
            return Ok(access_token);
        }

        let classes = self.refresh_tokens(user);
        if !classes.iter().any(|class| class == DEFAULT) {
            let user = user.clone();
            let none = classes.is_empty();
            return Err(if none {
                PhoneError::NotLoggedIn(user)
            } else {
                PhoneError::AuthenticatorNeeded(user)
            });
        }

        let refreshed = self.refresh_in_turn(user, Proof::None).await;
        refreshed.map_err(|error| match error.code() {
            Some("authenticator_required") => PhoneError::AuthenticatorNeeded(user.clone()),
            Some("invalid_grant" | "user_disconnected") => PhoneError::NotLoggedIn(user.clone()),
            _ => error,
        })
    }

    /// Only with `refreshing` held: has a refresh token belong to another authenticator. The one it
    /// is asked with stays.
    pub(super) async fn bind_in_turn(
        &self,
        user: &UserId,
        wanted: &str,
        proof: Proof<'_>,
    ) -> Result<(), PhoneError> {
        let mut form = self.proven_form(user, proof).await?;
        form.push(("authenticator", wanted.to_owned()));
        let issued = self.redeem(user, &proof.class(), form).await?;
        self.keep(user, wanted, issued);
        Ok(())
    }

    /// Remembers what was issued.
    pub(super) fn keep(&self, user: &UserId, class: &str, issued: Issued) {
        let mut saved = self.0.saved.lock();
        let saved_user = saved.users.entry(user.clone()).or_default();
        saved_user.token = Some(issued.token);
        if let Some(refresh_token) = issued.refresh_token {
            saved_user
                .refresh_tokens
                .insert(class.to_owned(), SavedSecret(refresh_token));
        }
    }

    /// Changes what is remembered of a user, if anything is.
    pub(super) fn change(&self, user: &UserId, change: impl FnOnce(&mut SavedUser)) {
        if let Some(saved) = self.0.saved.lock().users.get_mut(user) {
            change(saved);
        }
    }

    /// Only with `refreshing` held.
    pub(super) async fn refresh_in_turn(
        &self,
        user: &UserId,
        proof: Proof<'_>,
    ) -> Result<SecretString, PhoneError> {
        let form = self.proven_form(user, proof).await?;
        let issued = self.redeem(user, &proof.class(), form).await?;
        let access_token = issued.token.access_token.clone();
        self.keep(user, &proof.class(), issued);
        Ok(access_token)
    }

    /// Sends a refresh token, again if the answer was lost, and forgets what the server says is
    /// gone.
    async fn redeem(&self, user: &UserId, class: &str, form: Form) -> Result<Issued, PhoneError> {
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
                self.change(user, |saved| drop(saved.refresh_tokens.remove(class)))
            }
            // Asked to bind, it may be the other one that is gone.
            Some("authenticator_gone")
                if !form.iter().any(|(name, _)| *name == "authenticator") =>
            {
                self.change(user, |saved| saved.forget_authenticator(class));
            }
            _ => {}
        }

        result
    }

    /// The refresh token of this authenticator, with its proof.
    async fn proven_form(&self, user: &UserId, proof: Proof<'_>) -> Result<Form, PhoneError> {
        let class = proof.class();
        let saved = self.0.saved.lock().users.get(user).cloned();
        let saved = saved.ok_or_else(|| PhoneError::NotLoggedIn(user.clone()))?;
        let none = || PhoneError::NoRefreshToken(class.to_string());
        let SavedSecret(refresh_token) =
            saved.refresh_tokens.get(class.as_ref()).ok_or_else(none)?;
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh_token.expose().to_owned()),
        ];

        let key = match proof {
            Proof::None => None,
            Proof::Pin(pin) => Some(saved.pin.as_ref().ok_or_else(none)?.key(pin).await?),
            Proof::Fingerprint | Proof::Custom(_) => {
                Some(saved.keys.get(class.as_ref()).ok_or_else(none)?.0.clone())
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
    use crate::phone::saved::{Saved, Token};
    use crate::phone::{Connection, new_key};

    /// Answers each connection's one request with the next of these; nothing: it hangs up.
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
    async fn a_token_whose_answer_was_lost_is_sent_again() {
        let (url, asked) = server([
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
        assert_eq!(asked.join().unwrap(), ["R1", "R1"]);

        let saved = phone.0.saved.lock();
        assert_eq!(saved.users[&alice].refresh_tokens[DEFAULT].0.expose(), "R2");
    }
}
