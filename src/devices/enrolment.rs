//! What may be enrolled: decided purely, by the settings and by what is enrolled already.

use super::authenticators::AuthenticatorName;
use super::types::Device;
use crate::push::{PUSH_ADDRESS_BYTES_MAX, Transport};
use crate::secret::SecretString;
use crate::settings::{MobileAuthentication, Settings};

/// Why a user's enrolment on a device was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentRefusal {
    /// Switched off in the settings.
    #[error("Enrolment is switched off.")]
    Disabled,
    /// `already_enrolled`: the user has keys that may not be replaced, or the user's one push
    /// enrolment is on another device.
    #[error("The user is enrolled already.")]
    AlreadyEnrolled,
    /// `keys_not_enrolled`: keys come first, then push and authenticators.
    #[error("The user has not enrolled keys on this device.")]
    KeysNotEnrolled,
    #[error("This authenticator is not allowed for the application.")]
    AuthenticatorNotAllowed,
    #[error(
        "The transport does not reach devices of this platform, or no push configuration for it is set for the application's version. `poll` works everywhere."
    )]
    UnsuitableTransport,
    #[error(
        "`token` must be an address of the transport: 1 to {PUSH_ADDRESS_BYTES_MAX} visible ASCII characters, absent for `poll`."
    )]
    InvalidAddress,
    /// `push_token_in_use`.
    #[error("Another device uses this push token.")]
    PushTokenInUse,
    /// No user of the device is enrolled for push, so there is no address to replace.
    #[error("The device is not enrolled for push.")]
    PushNotEnrolled,
}

/// How a user's keys are enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyEnrolment {
    /// There are none yet.
    New,
    /// Remove what is enrolled, including authenticators and push, then enrol under the same profile.
    Override,
}

/// Whether a user may enrol keys on a device.
pub(super) fn decide_keys(
    rules: &MobileAuthentication,
    enrolled: bool,
) -> Result<KeyEnrolment, EnrolmentRefusal> {
    match (
        rules.enrolment_enabled,
        enrolled,
        rules.enrolment_override_enabled,
    ) {
        (false, ..) => Err(EnrolmentRefusal::Disabled),
        (true, false, _) => Ok(KeyEnrolment::New),
        (true, true, true) => Ok(KeyEnrolment::Override),
        (true, true, false) => Err(EnrolmentRefusal::AlreadyEnrolled),
    }
}

/// Whether users of the device may have this authenticator.
pub(super) fn decide_authenticator(
    settings: &Settings,
    device: &Device,
    name: &AuthenticatorName,
) -> Result<(), EnrolmentRefusal> {
    let application = settings.applications.get(&device.application_id);
    if application.is_some_and(|application| name.is_allowed(application)) {
        Ok(())
    } else {
        Err(EnrolmentRefusal::AuthenticatorNotAllowed)
    }
}

/// Whether pushes to a user may go to the device by this transport, at this address.
pub(super) fn decide_push(
    settings: &Settings,
    device: &Device,
    transport: Transport,
    address: Option<&SecretString>,
) -> Result<(), EnrolmentRefusal> {
    if !settings.mobile_authentication.push_enrolment_enabled {
        return Err(EnrolmentRefusal::Disabled);
    }

    // Without a configuration nobody could send the push, but the device may still poll.
    let configured = device
        .enabled_version(settings)
        .is_some_and(|version| version.push_configuration.is_some());
    if !transport.reaches(device.platform) || (transport != Transport::Poll && !configured) {
        return Err(EnrolmentRefusal::UnsuitableTransport);
    }

    decide_address(transport, address)
}

/// Whether the transport can have this address.
pub(super) fn decide_address(
    transport: Transport,
    address: Option<&SecretString>,
) -> Result<(), EnrolmentRefusal> {
    if transport.accepts(address) {
        Ok(())
    } else {
        Err(EnrolmentRefusal::InvalidAddress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_enrolled_once_unless_override_is_enabled() {
        let rules = |enrolment_enabled, enrolment_override_enabled| MobileAuthentication {
            enrolment_enabled,
            enrolment_override_enabled,
            ..MobileAuthentication::default()
        };

        assert_eq!(
            decide_keys(&rules(true, false), false),
            Ok(KeyEnrolment::New)
        );

        assert_eq!(
            decide_keys(&rules(true, true), false),
            Ok(KeyEnrolment::New)
        );

        assert_eq!(
            decide_keys(&rules(true, true), true),
            Ok(KeyEnrolment::Override)
        );

        assert_eq!(
            decide_keys(&rules(true, false), true),
            Err(EnrolmentRefusal::AlreadyEnrolled)
        );

        assert_eq!(
            decide_keys(&rules(false, true), false),
            Err(EnrolmentRefusal::Disabled)
        );

        assert_eq!(
            decide_keys(&rules(false, true), true),
            Err(EnrolmentRefusal::Disabled)
        );
    }
}
