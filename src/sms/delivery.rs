//! Delivers text messages: tries each until the gateway takes it.

use std::sync::Arc;

use super::types::{SmsMessage, SmsSender};
use crate::base::Base;
use crate::clock::Timestamp;
use crate::egress::{Bulkheads, Delivery, DeliveryLease, DeliveryOutcome, Unsent};
use crate::ids::TransactionId;

/// Delivers text messages by the configured gateway.
pub struct SmsDelivery {
    base: Base,
    sender: Arc<dyn SmsSender>,
    /// One for each kind of gateway.
    bulkheads: Bulkheads,
}

impl SmsDelivery {
    #[must_use]
    pub fn new(base: Base, sender: Arc<dyn SmsSender>) -> Self {
        Self {
            bulkheads: Bulkheads::new(base.clock.clone(), base.metrics.clone()),
            base,
            sender,
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
            transaction: Some(transaction),
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
            let transaction_id = delivery.transaction.map(tracing::field::display);
            tracing::warn!(transaction_id, "no SMS gateway is configured");
            return Err(Unsent::Ended(DeliveryOutcome::GivenUp));
        };

        let sending = async || {
            // Only now: waiting for its turn may have taken long.
            delivery.begin_attempt(is_in_doubt).await?;

            Ok::<_, Unsent>(self.sender.send(&gateway, message).await?)
        };
        self.bulkheads
            .call(gateway.name(), gateway.name(), sending)
            .await?;
        self.base.metrics.provider_answered(gateway.name(), "sent");

        Ok(())
    }
}
