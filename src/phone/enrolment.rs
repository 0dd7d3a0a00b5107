//! Enrolment of the user's keys and of push.

use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value, json};

use super::device::{Phone, new_key};
use super::error::PhoneError;
use super::saved::SavedEnrolment;
use crate::ids::{ProfileId, UserId};
use crate::secret::SecretString;

/// How the phone learns of transactions.
#[derive(Clone, Debug)]
pub enum PushTransport {
    /// Apple's service, with the device token.
    Apns(SecretString),
    /// Google's service, with the registration token.
    Fcm(SecretString),
    /// The phone polls the server.
    Poll,
}

impl Phone {
    /// Generates the user's key pair and enrols the public key. The server encrypts the content of
    /// transactions for it.
    pub async fn enrol(&self, user: &UserId) -> Result<ProfileId, PhoneError> {
        #[derive(Deserialize)]
        struct Enrolled {
            profile_id: ProfileId,
        }

        let key = new_key(&self.0.connection)?;
        let body = json!({"public_key": {"format": "jwk", "jwk": key.public()}});
        let request = self
            .user_request(Method::POST, "/device/v1/enrolment", user)
            .await?
            .json(&body);
        let Enrolled { profile_id } = self.0.connection.json(request).await?;

        let mut saved = self.0.saved.lock();
        let saved_user = saved.users.entry(user.clone()).or_default();

        // Enrolling new keys removes the authenticators that were enrolled with the old ones.
        saved_user.forget_authenticators();
        saved_user.enrolment = Some(SavedEnrolment { profile_id, key });

        Ok(profile_id)
    }

    /// The user's enrolment according to the server.
    pub async fn enrolment(&self, user: &UserId) -> Result<Value, PhoneError> {
        let request = self
            .user_request(Method::GET, "/device/v1/enrolment", user)
            .await?;
        self.0.connection.json(request).await
    }

    /// Removes the user's enrolment and forgets the keys.
    pub async fn end_enrolment(&self, user: &UserId) -> Result<(), PhoneError> {
        let request = self
            .user_request(Method::DELETE, "/device/v1/enrolment", user)
            .await?;
        self.0.connection.body(request).await?;

        self.update_user(user, |saved| {
            saved.enrolment = None;
            saved.forget_authenticators();
        });

        Ok(())
    }

    /// Enrols the user for push on this phone. Keys must be enrolled.
    pub async fn enrol_push(
        &self,
        user: &UserId,
        transport: PushTransport,
    ) -> Result<(), PhoneError> {
        let body = match transport {
            PushTransport::Apns(token) => json!({"transport": "apns", "token": token.expose()}),
            PushTransport::Fcm(token) => json!({"transport": "fcm", "token": token.expose()}),
            PushTransport::Poll => json!({"transport": "poll"}),
        };

        let request = self
            .user_request(Method::PUT, "/device/v1/push", user)
            .await?
            .json(&body);
        self.0.connection.body(request).await.map(drop)
    }

    /// Removes the user's enrolment for push on this phone.
    pub async fn remove_push(&self, user: &UserId) -> Result<(), PhoneError> {
        let request = self
            .user_request(Method::DELETE, "/device/v1/push", user)
            .await?;
        self.0.connection.body(request).await.map(drop)
    }

    /// Replaces the phone's push address for all its users.
    pub async fn replace_push_token(&self, token: &SecretString) -> Result<(), PhoneError> {
        let request = self
            .device_request(Method::PUT, "/device/v1/push-token")
            .await?
            .json(&json!({"token": token.expose()}));
        self.0.connection.body(request).await.map(drop)
    }

    /// A request with the user's access token.
    pub(super) async fn user_request(
        &self,
        method: Method,
        path: &str,
        user: &UserId,
    ) -> Result<RequestBuilder, PhoneError> {
        let token = self.user_token(user).await?;
        self.0.connection.bearer_request(method, path, &token)
    }

    /// A request with the device's own access token.
    pub(super) async fn device_request(
        &self,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, PhoneError> {
        let token = self.device_token().await?;
        self.0.connection.bearer_request(method, path, &token)
    }
}
