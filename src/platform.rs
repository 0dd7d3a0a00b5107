//! The platforms that mobile applications run on.

use serde::{Deserialize, Serialize};

/// The platform of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Apple's.
    Ios,
    /// Google's.
    Android,
}

impl Platform {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Android => "android",
        }
    }

    /// The platform of a name on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ios, Self::Android]
            .into_iter()
            .find(|platform| platform.as_str() == name)
    }

    /// The name of a device that has none of its own.
    #[must_use]
    pub const fn default_device_name(self) -> &'static str {
        match self {
            Self::Ios => "iOS device",
            Self::Android => "Android device",
        }
    }
}
