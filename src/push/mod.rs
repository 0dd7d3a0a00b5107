//! Push services: APNs and FCM.

mod access_token;
mod apns;
mod classify;
mod fcm;
mod provider_token;
mod sender;

use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use sender::ProviderPush;

use crate::clock::Timestamp;
use crate::egress::ProviderFailure;
use crate::ids::{ProfileId, TransactionId};
use crate::secret::SecretString;
use crate::settings::{ApnsEnvironment, PushConfiguration};

/// What a push carries: an opaque reference and the short message, nothing else, ever.
#[derive(Clone, Debug)]
pub struct PushMessage {
    /// The transaction to fetch.
    pub transaction_id: TransactionId,
    /// Whom of the installation's users it is for.
    pub profile_id: ProfileId,
    /// The short text to show.
    pub message: SecretString,
    /// After this the provider need not deliver it any more.
    pub expires_at: Timestamp,
}

/// Where a push goes.
#[derive(Clone, Debug)]
pub struct PushDestination {
    /// The service and its credentials.
    pub configuration: Arc<PushConfiguration>,
    /// APNs: which of Apple's services.
    pub environment: ApnsEnvironment,
    pub bundle_id: Option<String>,
    pub address: SecretString,
}

/// Hands a push to its service, once; retries are the caller's.
pub trait PushSender: Send + Sync {
    /// Completes when the service has taken or refused the message.
    fn send<'a>(
        &'a self,
        destination: &'a PushDestination,
        message: &'a PushMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>>;
}
