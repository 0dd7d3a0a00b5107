//! Enrolling: the user's keys, and how the phone is told of transactions.

use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::PhoneError;
use super::saved::SavedEnrolment;
use super::{Phone, new_key};
use crate::ids::{ProfileId, UserId};
use crate::secret::SecretString;

/// How the phone learns that there is something to answer.
#[derive(Clone, Debug)]
pub enum PushTransport {
    /// Apple's service, to this device token.
    Apns(SecretString),
    /// Google's service, to this registration token.
    Fcm(SecretString),
    /// Not at all: it asks.
    Poll,
}

impl Phone {
    /// Makes the user's key pair on this phone and enrols its public part. From then on content is
    /// sealed to it.
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
        // Keys that were enrolled over others took the authenticators with them.
        saved_user.forget_authenticators();
        saved_user.enrolment = Some(SavedEnrolment { profile_id, key });
        Ok(profile_id)
    }

    /// The user's enrolment as the server has it.
    pub async fn enrolment(&self, user: &UserId) -> Result<Value, PhoneError> {
        self.0
            .connection
            .json(
                self.user_request(Method::GET, "/device/v1/enrolment", user)
                    .await?,
            )
            .await
    }

    /// Ends the enrolment and forgets the keys.
    pub async fn end_enrolment(&self, user: &UserId) -> Result<(), PhoneError> {
        self.0
            .connection
            .body(
                self.user_request(Method::DELETE, "/device/v1/enrolment", user)
                    .await?,
            )
            .await?;

        if let Some(user) = self.0.saved.lock().users.get_mut(user) {
            user.enrolment = None;
            user.forget_authenticators();
        }

        Ok(())
    }

    /// Lets the user be asked by push on this phone. The keys must be enrolled.
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

    /// Ends that.
    pub async fn remove_push(&self, user: &UserId) -> Result<(), PhoneError> {
        self.0
            .connection
            .body(
                self.user_request(Method::DELETE, "/device/v1/push", user)
                    .await?,
            )
            .await
            .map(drop)
    }

    /// Tells the server the phone's new push address, for all its users.
    pub async fn replace_push_token(&self, token: &SecretString) -> Result<(), PhoneError> {
        let request = self
            .device_request(Method::PUT, "/device/v1/push-token")
            .await?;
        self.0
            .connection
            .body(request.json(&json!({"token": token.expose()})))
            .await
            .map(drop)
    }

    pub(super) async fn user_request(
        &self,
        method: Method,
        path: &str,
        user: &UserId,
    ) -> Result<RequestBuilder, PhoneError> {
        let token = self.user_token(user).await?;
        Ok(self
            .0
            .connection
            .request(method, path)?
            .bearer_auth(token.expose()))
    }

    pub(super) async fn device_request(
        &self,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, PhoneError> {
        let token = self.device_token().await?;
        Ok(self
            .0
            .connection
            .request(method, path)?
            .bearer_auth(token.expose()))
    }
}
