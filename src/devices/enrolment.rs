//! What may be enrolled: decided purely, from settings and from what is there.

use super::{AuthenticatorName, Device, Transport};
use crate::secret::SecretString;
use crate::settings::{MobileAuthentication, Settings};

/// The longest push address, in bytes.
pub const PUSH_ADDRESS_BYTES_MAX: usize = 4096;

/// Why a user's enrolment on a device was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentRefusal {
    /// Switched off in the settings.
    #[error("Enrolment is switched off.")]
    Disabled,
    /// `already_enrolled`: keys are there and may not be replaced, or another device has the user's
    /// one push enrolment.
    #[error("The user is enrolled already.")]
    AlreadyEnrolled,
    /// `keys_not_enrolled`: first the keys, then push and authenticators.
    #[error("The user has not enrolled keys on this device.")]
    KeysNotEnrolled,
    /// The application does not have this authenticator.
    #[error("This authenticator is not allowed for the application.")]
    AuthenticatorNotAllowed,
    /// The transport does not reach this platform, or none is configured for the application's
    /// version.
    #[error(
        "This transport does not reach the installation: iOS has `apns`, Android `fcm`, and `poll` works without a push configuration."
    )]
    UnsuitableTransport,
    /// The push address is missing, too long, or given for `poll`.
    #[error(
        "`token` must be 1 to {PUSH_ADDRESS_BYTES_MAX} visible ASCII characters for `apns` and `fcm`, and absent for `poll`."
    )]
    InvalidAddress,
    /// `push_token_in_use`: by another installation.
    #[error("Another installation uses this push token.")]
    PushTokenInUse,
    /// None of the installation's users is enrolled for push, so there is no address to replace.
    #[error("The installation is not enrolled for push.")]
    PushNotEnrolled,
}

/// What to do about a user who wants to enrol keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyEnrolment {
    /// Enrol.
    New,
    /// Remove what is enrolled, authenticators and push with it, then enrol under the same profile.
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

/// Whether users of this device may have this authenticator.
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

/// Whether a user may be asked by push on this device, over this transport at this address.
pub(super) fn decide_push(
    settings: &Settings,
    device: &Device,
    transport: Transport,
    address: Option<&SecretString>,
) -> Result<(), EnrolmentRefusal> {
    if !settings.mobile_authentication.push_enrolment_enabled {
        return Err(EnrolmentRefusal::Disabled);
    }
    let configured = device
        .enabled_version(settings)
        .is_some_and(|version| version.push_configuration.is_some());
    if !transport.fits(device.platform) || (transport != Transport::Poll && !configured) {
        return Err(EnrolmentRefusal::UnsuitableTransport);
    }
    decide_address(transport, address)
}

/// Whether the address is one for the transport.
pub(super) fn decide_address(
    transport: Transport,
    address: Option<&SecretString>,
) -> Result<(), EnrolmentRefusal> {
    let fits = match (transport, address) {
        (Transport::Poll, address) => address.is_none(),
        (Transport::Apns | Transport::Fcm, None) => false,
        (Transport::Apns | Transport::Fcm, Some(address)) => {
            let text = address.expose();
            (1..=PUSH_ADDRESS_BYTES_MAX).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        }
    };
    if fits {
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

    #[test]
    fn an_address_belongs_to_a_push_service_and_is_bounded() {
        let address = |text: &str| SecretString::new(text.to_owned());
        let long = "x".repeat(PUSH_ADDRESS_BYTES_MAX);
        for transport in [Transport::Apns, Transport::Fcm] {
            assert_eq!(
                decide_address(transport, Some(&address("d-1:ab_C"))),
                Ok(())
            );
            assert_eq!(decide_address(transport, Some(&address(&long))), Ok(()));
            for refused in ["", " ", "a b", "a\nb", "é", &format!("{long}x")] {
                let decision = decide_address(transport, Some(&address(refused)));
                assert_eq!(decision, Err(EnrolmentRefusal::InvalidAddress), "{refused}");
            }
            assert_eq!(
                decide_address(transport, None),
                Err(EnrolmentRefusal::InvalidAddress)
            );
        }
        assert_eq!(decide_address(Transport::Poll, None), Ok(()));
        assert_eq!(
            decide_address(Transport::Poll, Some(&address("x"))),
            Err(EnrolmentRefusal::InvalidAddress)
        );
    }
}
