//! Delivers text messages: tries each until the gateway takes it.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::types::{SmsMessage, SmsSender};
use crate::base::Base;
use crate::clock::Timestamp;
use crate::egress::{Delivery, DeliveryLease, DeliveryOutcome, Unsent};
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

    /// Completes when the gateway has taken the message or delivery has ended, at the latest at the
    /// deadline.
    pub async fn deliver(
        &self,
        transaction: TransactionId,
        deadline: Timestamp,
        message: &SmsMessage,
        lease: &dyn DeliveryLease,
    ) -> DeliveryOutcome {
        let delivery = Delivery {
            clock: &self.base.clock,
            metrics: &self.base.metrics,
            transaction,
            deadline,
            lease,
        };

        delivery
            .run(|is_in_doubt| self.attempt(&delivery, message, is_in_doubt))
            .await
    }

    async fn attempt(
        &self,
        delivery: &Delivery<'_>,
        message: &SmsMessage,
        is_in_doubt: bool,
    ) -> Result<(), Unsent> {
        // Read for each attempt: the settings may have changed since the last one.
        let Some(gateway) = self.base.settings.load().sms.clone() else {
            tracing::warn!(transaction_id = %delivery.transaction, "no SMS gateway is configured");
            return Err(Unsent::Ended(DeliveryOutcome::GivenUp));
        };

        let Ok(_permit) = self.permits.acquire().await else {
            return Err(Unsent::Ended(DeliveryOutcome::GivenUp));
        };

        // Only now: waiting for the permit may have taken long.
        delivery.begin_attempt(is_in_doubt).await?;

        self.sender.send(&gateway, message).await?;
        self.base.metrics.provider_answered(gateway.name(), "sent");

        Ok(())
    }
}
