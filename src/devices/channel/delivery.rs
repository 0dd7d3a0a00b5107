//! Delivers a push to a device: tries until its service takes it.

use std::ops::ControlFlow;

use super::services::Services;
use crate::devices::types::Destination;
use crate::egress::{DeliveryOutcome, FailureKind, ProviderFailure, deliver};
use crate::ids::DeviceId;
use crate::push::PushMessage;

/// Completes when the service has taken the push or delivery is given up, at the latest when the
/// push expires.
pub(super) async fn deliver_push(
    services: &Services,
    device: &DeviceId,
    message: &PushMessage,
) -> DeliveryOutcome {
    deliver(
        &services.base.clock,
        &services.base.metrics,
        message.transaction_id,
        message.expires_at,
        || attempt(services, device, message),
    )
    .await
}

async fn attempt(
    services: &Services,
    device: &DeviceId,
    message: &PushMessage,
) -> ControlFlow<DeliveryOutcome, ProviderFailure> {
    // Read for each attempt: the device may have another address since the last one.
    let destination = match services.devices.push_destination(device).await {
        Ok(Some(Destination::Push { destination, .. })) => destination,
        Ok(Some(Destination::Poll)) => return ControlFlow::Break(DeliveryOutcome::Taken),
        Ok(None) => return ControlFlow::Break(DeliveryOutcome::GivenUp),
        Err(_) => {
            return ControlFlow::Continue(ProviderFailure {
                provider: "store",
                kind: FailureKind::Retry { after: None },
                detail: "the push address cannot be read".into(),
            });
        }
    };

    let Ok(permit) = services.push_permits.acquire().await else {
        return ControlFlow::Break(DeliveryOutcome::GivenUp);
    };

    let sent = services.push.send(&destination, message).await;
    drop(permit);

    match sent {
        Ok(()) => {
            let service = destination.configuration.service.name;
            services.base.metrics.provider_answered(service, "sent");
            ControlFlow::Break(DeliveryOutcome::Taken)
        }
        Err(failure) => {
            mark_dead_address(services, device, failure.kind).await;
            ControlFlow::Continue(failure)
        }
    }
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
