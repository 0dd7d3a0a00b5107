//! Delivers a push to a device: tries until its service takes it.

use std::cell::Cell;

use super::Push;
use super::services::Services;
use crate::devices::types::Destination;
use crate::egress::{Cause, Delivery, DeliveryOutcome, FailureKind, ProviderFailure, Unsent};
use crate::ids::DeviceId;
use crate::push::PushMessage;
use crate::store::StoreError;

/// Completes when the service has taken the push or delivery has ended, at the latest when the push
/// expires.
pub(super) async fn deliver_push(
    services: &Services,
    device: &DeviceId,
    push: Push,
) -> DeliveryOutcome {
    let Push {
        message,
        destination,
        lease,
    } = push;

    let delivery = Delivery {
        clock: &services.base.clock,
        metrics: &services.base.metrics,
        transaction: message.transaction_id,
        deadline: message.expires_at,
        lease: &*lease,
    };

    let known = Cell::new(destination);
    let try_once = async |is_in_doubt| {
        // Later attempts read it again: the device may have another address by then.
        let destination = match known.take() {
            Some(destination) => Ok(Some(destination)),
            None => services.devices.push_destination(device).await,
        };

        attempt(
            services,
            device,
            &message,
            destination,
            &delivery,
            is_in_doubt,
        )
        .await
    };

    delivery.run(try_once).await
}

async fn attempt(
    services: &Services,
    device: &DeviceId,
    message: &PushMessage,
    destination: Result<Option<Destination>, StoreError>,
    delivery: &Delivery<'_>,
    is_in_doubt: bool,
) -> Result<(), Unsent> {
    let destination = match destination {
        Ok(Some(Destination::Push { destination, .. })) => destination,
        // The device fetches it by itself.
        Ok(Some(Destination::Poll)) => return Ok(()),
        Ok(None) => return Err(Unsent::Ended(DeliveryOutcome::GivenUp)),
        Err(_) => {
            return Err(Unsent::Failed(ProviderFailure {
                provider: "store",
                kind: FailureKind::Retry { after: None },
                cause: Cause::Store,
                detail: "the push address cannot be read".into(),
            }));
        }
    };

    let configuration = &destination.configuration;
    let service = configuration.service.name;

    let sending = async || {
        // Only now: waiting for its turn may have taken long.
        delivery.begin_attempt(is_in_doubt).await?;

        Ok::<_, Unsent>(services.push.send(&destination, message).await?)
    };
    let sent = services
        .bulkheads
        .call(&configuration.name, service, sending)
        .await;

    if let Err(Unsent::Failed(failure)) = &sent {
        mark_dead_address(services, device, failure.kind).await;
    }

    sent?;
    services.base.metrics.provider_answered(service, "sent");

    Ok(())
}

/// Keeps a dead address from being tried again.
async fn mark_dead_address(services: &Services, device: &DeviceId, kind: FailureKind) {
    let FailureKind::DeadAddress { since } = kind else {
        return;
    };

    let now = services.base.clock.now();
    if let Err(error) = services.devices.mark_address_dead(device, since, now).await {
        tracing::warn!(%error, "a dead push address could not be marked");
    }
}
