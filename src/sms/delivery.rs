//! Delivers text messages: tries each until the gateway takes it.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::types::{SmsMessage, SmsSender};
use crate::base::Base;
use crate::clock::Timestamp;
use crate::egress::{DeliveryOutcome, ProviderFailure, deliver};
use crate::ids::TransactionId;

/// Text messages being handed to the gateway at a time; further ones wait.
const IN_FLIGHT_MAX: usize = 256;

/// Delivers text messages by the configured gateway.
pub struct SmsDelivery {
    base: Base,
    sender: Arc<dyn SmsSender>,
    permits: Semaphore,
}

impl SmsDelivery {
    #[must_use]
    pub fn new(base: Base, sender: Arc<dyn SmsSender>) -> Self {
        Self {
            base,
            sender,
            permits: Semaphore::new(IN_FLIGHT_MAX),
        }
    }

    /// Completes when the gateway has taken the message or delivery is given up, at the latest at
    /// the deadline.
    pub async fn deliver(
        &self,
        transaction: TransactionId,
        deadline: Timestamp,
        message: &SmsMessage,
    ) -> DeliveryOutcome {
        let attempt = || self.attempt(transaction, message);
        deliver(
            &self.base.clock,
            &self.base.metrics,
            transaction,
            deadline,
            attempt,
        )
        .await
    }

    async fn attempt(
        &self,
        transaction: TransactionId,
        message: &SmsMessage,
    ) -> ControlFlow<DeliveryOutcome, ProviderFailure> {
        // Read for each attempt: the settings may have changed since the last one.
        let Some(gateway) = self.base.settings.load().sms.clone() else {
            tracing::warn!(transaction_id = %transaction, "no SMS gateway is configured");
            return ControlFlow::Break(DeliveryOutcome::GivenUp);
        };

        let Ok(_permit) = self.permits.acquire().await else {
            return ControlFlow::Break(DeliveryOutcome::GivenUp);
        };

        match self.sender.send(&gateway, message).await {
            Ok(()) => {
                self.base.metrics.provider_answered(gateway.name(), "sent");
                ControlFlow::Break(DeliveryOutcome::Taken)
            }
            Err(failure) => ControlFlow::Continue(failure),
        }
    }
}
