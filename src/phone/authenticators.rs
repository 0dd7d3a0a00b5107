//! The user's authenticators: their keys, and the refresh tokens that are bound to them.

use reqwest::Method;
use serde_json::json;

use super::device::{Phone, new_key};
use super::error::PhoneError;
use super::pin::PinSalt;
use super::refresh::Proof;
use super::saved::{DEFAULT, FINGERPRINT, PIN, SavedKey};
use crate::ids::UserId;
use crate::jose::{PublicJwk, jws};

/// The `typ` of a proof for a new key.
const CHANGE_PROOF_TYPE: &str = "authenticator-change+jwt";

impl Phone {
    /// Sets or replaces the user's PIN and binds the refresh token to it. Keys must be enrolled, and
    /// the user must have logged in less than 15 minutes ago. Otherwise use [`Phone::change_pin`].
    pub async fn set_pin(&self, user: &UserId, pin: &str) -> Result<(), PhoneError> {
        let salt = PinSalt::new(self.0.connection.random.as_ref());
        let key = salt.key(pin).await?;

        let _refreshing = self.0.refresh_lock.lock().await;
        self.require_unbound_refresh_token(user)?;
        self.set_authenticator_locked(user, PIN, key.public())
            .await?;

        self.update_user(user, |saved| {
            saved.forget_authenticator(PIN);
            saved.pin = Some(salt);
        });

        self.bind_locked(user, PIN, Proof::None).await?;

        // An application with PINs does not accept the unbound refresh token any more.
        self.update_user(user, |saved| drop(saved.refresh_tokens.remove(DEFAULT)));

        Ok(())
    }

    /// Changes the user's PIN and keeps the refresh token. A wrong old PIN is refused like in
    /// [`Phone::refresh`].
    ///
    /// The salt does not change. So if the response is lost, either the old or the new PIN still
    /// works.
    pub async fn change_pin(&self, user: &UserId, old: &str, new: &str) -> Result<(), PhoneError> {
        let salt = self
            .0
            .saved
            .lock()
            .users
            .get(user)
            .and_then(|saved| saved.pin.clone());

        let salt = salt.ok_or_else(|| PhoneError::NoRefreshToken(PIN.to_owned()))?;
        let (old_key, new_key) = (salt.key(old).await?, salt.key(new).await?);

        let _refreshing = self.0.refresh_lock.lock().await;

        let token = match self.usable_token(user) {
            Some(token) => token,
            None => self.refresh_locked(user, Proof::Pin(old)).await?,
        };

        let claims = json!({
            "jwk_thumbprint": new_key.public().thumbprint(),
            "iat": self.0.connection.clock.now().as_secs(),
        });
        let proof = jws::sign(
            &old_key,
            Some(CHANGE_PROOF_TYPE),
            claims.to_string().as_bytes(),
        )
        .map_err(PhoneError::Cryptography)?;

        let body = json!({ "jwk": new_key.public(), "proof": proof });

        let request = self
            .0
            .connection
            .bearer_request(Method::PUT, &path(PIN), &token)?;
        let result = self.0.connection.body(request.json(&body)).await;
        if result.as_ref().err().and_then(PhoneError::code) == Some("user_disconnected") {
            self.0.saved.lock().users.remove(user);
        }

        result.map(drop)
    }

    /// Generates a key that a real phone would release by fingerprint, and binds a refresh token to
    /// it. `proof` is that of an existing authenticator: the PIN, or none if the application has no
    /// PINs.
    pub async fn set_fingerprint(&self, user: &UserId, proof: Proof<'_>) -> Result<(), PhoneError> {
        self.set_software_key(user, FINGERPRINT, proof).await
    }

    /// Like [`Phone::set_fingerprint`], for a custom authenticator.
    pub async fn set_custom(
        &self,
        user: &UserId,
        id: &str,
        proof: Proof<'_>,
    ) -> Result<(), PhoneError> {
        self.set_software_key(user, &Proof::Custom(id).authenticator(), proof)
            .await
    }

    /// Only enrols the key of an authenticator: `pin`, `fingerprint` or `custom:ID`.
    pub async fn set_authenticator(
        &self,
        user: &UserId,
        name: &str,
        key: &PublicJwk,
    ) -> Result<(), PhoneError> {
        let _refreshing = self.0.refresh_lock.lock().await;
        self.set_authenticator_locked(user, name, key).await
    }

    /// Removes an authenticator and the refresh token that is bound to it.
    pub async fn remove_authenticator(&self, user: &UserId, name: &str) -> Result<(), PhoneError> {
        let request = self.user_request(Method::DELETE, &path(name), user).await?;
        self.0.connection.body(request).await?;
        self.update_user(user, |saved| saved.forget_authenticator(name));
        Ok(())
    }

    async fn set_software_key(
        &self,
        user: &UserId,
        name: &str,
        proof: Proof<'_>,
    ) -> Result<(), PhoneError> {
        let key = new_key(&self.0.connection)?;

        let _refreshing = self.0.refresh_lock.lock().await;
        self.set_authenticator_locked(user, name, key.public())
            .await?;

        self.update_user(user, |saved| {
            saved.forget_authenticator(name);
            saved.keys.insert(name.to_owned(), SavedKey(key));
        });

        self.bind_locked(user, name, proof).await
    }

    /// The caller holds `refresh_lock`.
    async fn set_authenticator_locked(
        &self,
        user: &UserId,
        name: &str,
        key: &PublicJwk,
    ) -> Result<(), PhoneError> {
        let token = self.user_token_locked(user).await?;
        let connection = &self.0.connection;
        let request = connection
            .bearer_request(Method::PUT, &path(name), &token)?
            .json(&json!({"jwk": key}));
        connection.body(request).await.map(drop)
    }
}

fn path(name: &str) -> String {
    format!("/device/v1/authenticators/{name}")
}
