//! The push services: a folder or file for each, which holds all that is particular to it, and the
//! table of them.

mod apns;
mod exchange;
mod fcm;

use crate::platform::Platform;
use crate::push::types::{PUSH_ADDRESS_BYTES_MAX, PushService};
use crate::secret::SecretString;

/// All push services. The order has no meaning.
const SERVICES: &[&PushService] = &[&apns::SERVICE, &fcm::SERVICE];

impl PushService {
    /// The service of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<&'static Self> {
        SERVICES
            .iter()
            .copied()
            .find(|service| service.name == name)
    }

    /// The service that a configuration for this platform is about.
    #[must_use]
    pub fn of_platform(platform: Platform) -> Option<&'static Self> {
        SERVICES
            .iter()
            .copied()
            .find(|service| service.platforms.contains(&platform))
    }
}

/// How a push reaches a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// By a push service.
    Service(&'static PushService),
    /// Not at all: the device asks for what is pending.
    Poll,
}

const POLL: &str = "poll";

impl Transport {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service(service) => service.name,
            Self::Poll => POLL,
        }
    }

    /// The transport of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == POLL {
            return Some(Self::Poll);
        }
        PushService::from_name(name).map(Self::Service)
    }

    /// The names of all transports.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SERVICES.iter().map(|service| service.name).chain([POLL])
    }

    /// Whether it reaches devices of this platform.
    #[must_use]
    pub fn reaches(self, platform: Platform) -> bool {
        match self {
            Self::Service(service) => service.platforms.contains(&platform),
            Self::Poll => true,
        }
    }

    /// Whether a device may be reached at this address. A device that polls has none.
    #[must_use]
    pub fn accepts(self, address: Option<&SecretString>) -> bool {
        match (self, address) {
            (Self::Poll, address) => address.is_none(),
            (Self::Service(_), None) => false,
            (Self::Service(service), Some(address)) => {
                let address = address.expose();
                address.len() <= PUSH_ADDRESS_BYTES_MAX && (service.is_address)(address)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_belongs_to_one_transport() {
        for name in Transport::names() {
            assert_eq!(Transport::from_name(name).unwrap().as_str(), name);
        }
        assert_eq!(Transport::from_name("carrier-pigeon"), None);
    }

    #[test]
    fn a_push_service_needs_an_address_and_bounds_it() {
        let long = SecretString::new("x".repeat(PUSH_ADDRESS_BYTES_MAX + 1));

        for service in SERVICES.iter().copied() {
            let transport = Transport::Service(service);
            assert!(!transport.accepts(Some(&long)));
            assert!(!transport.accepts(Some(&SecretString::new(String::new()))));
            assert!(!transport.accepts(None));
        }

        let address = SecretString::new("x".to_owned());
        assert!(Transport::Poll.accepts(None));
        assert!(!Transport::Poll.accepts(Some(&address)));
    }

    #[test]
    fn tokens_of_platforms_are_visible_ascii() {
        let long = "x".repeat(PUSH_ADDRESS_BYTES_MAX);

        for service in [&apns::SERVICE, &fcm::SERVICE] {
            let accepts = |text: &str| {
                let address = SecretString::new(text.to_owned());
                Transport::Service(service).accepts(Some(&address))
            };

            assert!(accepts("d-1:ab_C"));
            assert!(accepts(&long));

            for refused in [" ", "a b", "a\nb", "é"] {
                assert!(!accepts(refused), "{refused}");
            }
        }
    }
}
