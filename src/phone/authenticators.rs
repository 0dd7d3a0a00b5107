//! Further authenticators: their keys, and the refresh tokens that are bound to them.

use reqwest::Method;
use serde_json::json;

use super::error::PhoneError;
use super::pin::PinSalt;
use super::refresh::Proof;
use super::saved::SavedKey;
use super::{Phone, new_key};
use crate::ids::UserId;
use crate::jose::{PublicJwk, jws};

/// `typ` of a proof for another key.
const CHANGE_PROOF_TYPE: &str = "authenticator-change+jwt";
/// The class of refresh tokens that belong to no authenticator.
pub(super) const DEFAULT: &str = "default";
/// The authenticator whose key is derived from the PIN.
pub(super) const PIN: &str = "pin";
/// The authenticator that biometrics release.
pub(super) const FINGERPRINT: &str = "fingerprint";

impl Phone {
    /// Sets the user's PIN, in place of the one there may be, and has the refresh token belong to
    /// it. The keys must be enrolled, and the user must have logged in less than a quarter of an
    /// hour ago; else it takes a [`Phone::change_pin`].
    pub async fn set_pin(&self, user: &UserId, pin: &str) -> Result<(), PhoneError> {
        let salt = PinSalt::new(self.0.connection.random.as_ref());
        let key = salt.key(pin).await?;
        let _turn = self.0.refreshing.lock().await;
        let present = self.refresh_tokens(user);
        if !present.iter().any(|class| class == DEFAULT) {
            let user = user.clone();
            let none = present.is_empty();
            return Err(if none {
                PhoneError::NotLoggedIn(user)
            } else {
                PhoneError::AuthenticatorNeeded(user)
            });
        }

        self.set_authenticator_in_turn(user, PIN, key.public())
            .await?;
        self.change(user, |saved| {
            saved.forget_authenticator(PIN);
            saved.pin = Some(salt);
        });

        self.bind_in_turn(user, PIN, Proof::None).await?;

        // Where there is a PIN it is good for nothing more.
        self.change(user, |saved| drop(saved.refresh_tokens.remove(DEFAULT)));
        Ok(())
    }

    /// Changes the user's PIN; the refresh token stays. A wrong old one is refused as
    /// [`Phone::refresh`] is with it.
    ///
    /// The salt stays as well: whether the change has arrived or its answer was lost, one of the
    /// two PINs is right.
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
        let _turn = self.0.refreshing.lock().await;

        let token = match self.usable_token(user) {
            Some(token) => token,
            None => self.refresh_in_turn(user, Proof::Pin(old)).await?,
        };

        let claims = json!({ "jwk_thumbprint": new_key.public().thumbprint(), "iat": self.0.connection.clock.now().as_secs() });

        let proof = jws::sign(
            &old_key,
            Some(CHANGE_PROOF_TYPE),
            claims.to_string().as_bytes(),
        );
        let body =
            json!({ "jwk": new_key.public(), "proof": proof.map_err(PhoneError::Cryptography)? });

        let request = self
            .0
            .connection
            .request(Method::PUT, &path(PIN))?
            .bearer_auth(token.expose());
        let result = self.0.connection.body(request.json(&body)).await;
        if result.as_ref().err().and_then(PhoneError::code) == Some("user_disconnected") {
            self.0.saved.lock().users.remove(user);
        }

        result.map(drop)
    }

    /// Makes a key that stands in for one that a fingerprint releases, and has a refresh token
    /// belong to it. `proof` is of an authenticator the user has: the PIN, or none where the
    /// application has no PINs.
    pub async fn set_fingerprint(&self, user: &UserId, proof: Proof<'_>) -> Result<(), PhoneError> {
        self.set_software_key(user, FINGERPRINT, proof).await
    }

    /// The same for an authenticator of the application's own.
    pub async fn set_custom(
        &self,
        user: &UserId,
        id: &str,
        proof: Proof<'_>,
    ) -> Result<(), PhoneError> {
        self.set_software_key(user, &Proof::Custom(id).class(), proof)
            .await
    }

    /// Enrols the key of a further authenticator, `pin`, `fingerprint` or `custom:ID`, and nothing
    /// more.
    pub async fn set_authenticator(
        &self,
        user: &UserId,
        name: &str,
        key: &PublicJwk,
    ) -> Result<(), PhoneError> {
        let _turn = self.0.refreshing.lock().await;
        self.set_authenticator_in_turn(user, name, key).await
    }

    /// Removes a further authenticator, and the refresh token that belongs to it.
    pub async fn remove_authenticator(&self, user: &UserId, name: &str) -> Result<(), PhoneError> {
        let request = self.user_request(Method::DELETE, &path(name), user).await?;
        self.0.connection.body(request).await?;
        self.change(user, |saved| saved.forget_authenticator(name));
        Ok(())
    }

    async fn set_software_key(
        &self,
        user: &UserId,
        name: &str,
        proof: Proof<'_>,
    ) -> Result<(), PhoneError> {
        let key = new_key(&self.0.connection)?;
        let _turn = self.0.refreshing.lock().await;
        self.set_authenticator_in_turn(user, name, key.public())
            .await?;
        self.change(user, |saved| {
            saved.forget_authenticator(name);
            saved.keys.insert(name.to_owned(), SavedKey(key));
        });

        self.bind_in_turn(user, name, proof).await
    }

    async fn set_authenticator_in_turn(
        &self,
        user: &UserId,
        name: &str,
        key: &PublicJwk,
    ) -> Result<(), PhoneError> {
        let token = self.user_token_in_turn(user).await?;

        let request = self
            .0
            .connection
            .request(Method::PUT, &path(name))?
            .bearer_auth(token.expose());
        self.0
            .connection
            .body(request.json(&json!({"jwk": key})))
            .await
            .map(drop)
    }
}

fn path(name: &str) -> String {
    format!("/device/v1/authenticators/{name}")
}
