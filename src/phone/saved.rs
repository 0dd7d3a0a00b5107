//! What a phone remembers, and the file for it between two runs of the command line.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;
use zeroize::Zeroizing;

use super::pin::PinSalt;
use crate::clock::Timestamp;
use crate::ids::{DeviceId, ProfileId, UserId};
use crate::jose::PrivateJwk;
use crate::secret::SecretString;

/// The name of refresh tokens that are not bound to an authenticator.
pub(super) const DEFAULT: &str = "default";
/// The authenticator whose key is derived from the PIN.
pub(super) const PIN: &str = "pin";
/// The authenticator whose key a real phone releases by fingerprint.
pub(super) const FINGERPRINT: &str = "fingerprint";

/// Everything a phone remembers. It includes private keys and tokens.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Saved {
    /// The server's base URL.
    pub(super) server: Url,
    /// The device's `client_id`.
    pub(super) device_id: DeviceId,
    /// For managing the registration (RFC 7592).
    #[serde(serialize_with = "expose")]
    pub(super) registration_access_token: SecretString,
    #[serde(serialize_with = "write_key", deserialize_with = "read_key")]
    pub(super) key: PrivateJwk,
    /// The users who have logged in.
    #[serde(default)]
    pub(super) users: BTreeMap<UserId, SavedUser>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct SavedUser {
    /// The user's access token.
    pub(super) token: Option<Token>,
    pub(super) enrolment: Option<SavedEnrolment>,
    /// By the authenticator that each is bound to.
    #[serde(default)]
    pub(super) refresh_tokens: BTreeMap<String, SavedSecret>,
    /// The salt of the PIN's key. The key itself is not stored.
    #[serde(default)]
    pub(super) pin: Option<PinSalt>,
    /// The keys of the other authenticators.
    #[serde(default)]
    pub(super) keys: BTreeMap<String, SavedKey>,
}

impl SavedUser {
    /// The user's profile, if keys are enrolled.
    pub(super) fn profile_id(&self) -> Option<ProfileId> {
        self.enrolment
            .as_ref()
            .map(|enrolment| enrolment.profile_id)
    }

    /// Forgets an authenticator and the refresh token that is bound to it.
    pub(super) fn forget_authenticator(&mut self, name: &str) {
        self.refresh_tokens.remove(name);
        self.keys.remove(name);
        if name == PIN {
            self.pin = None;
        }
    }

    /// Forgets all authenticators.
    pub(super) fn forget_authenticators(&mut self) {
        self.refresh_tokens.retain(|name, _| name == DEFAULT);
        self.keys.clear();
        self.pin = None;
    }
}

/// A secret that is serialized as it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct SavedSecret(#[serde(serialize_with = "expose")] pub(super) SecretString);

/// A key pair that is serialized with its private key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct SavedKey(
    #[serde(serialize_with = "write_key", deserialize_with = "read_key")] pub(super) PrivateJwk,
);

/// The enrolment of a user's keys.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SavedEnrolment {
    pub(super) profile_id: ProfileId,
    /// The server encrypts the content of transactions for this key.
    #[serde(serialize_with = "write_key", deserialize_with = "read_key")]
    pub(super) key: PrivateJwk,
}

/// An access token.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Token {
    #[serde(serialize_with = "expose")]
    pub(super) access_token: SecretString,
    /// From then on it is replaced instead of used. A little before it expires.
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub(super) renew_at: Timestamp,
}

impl Saved {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = Zeroizing::new(fs::read(path)?);
        serde_json::from_slice(&text)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Replaces the file atomically, so that an interrupted write does not lose the keys.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let text = Zeroizing::new(serde_json::to_vec_pretty(self)?);
        let unfinished = path.with_extension("unfinished");

        let mut file = open_for_owner(&unfinished)?;
        file.write_all(&text)?;
        file.sync_all()?;

        fs::rename(unfinished, path)
    }
}

/// Creates a file that only its owner can read.
fn open_for_owner(path: &Path) -> io::Result<fs::File> {
    let _ = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);

    options.open(path)
}

fn expose<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn write_key<S: Serializer>(key: &PrivateJwk, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&key.to_json())
}

fn read_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PrivateJwk, D::Error> {
    let text = SecretString::deserialize(deserializer)?;
    PrivateJwk::from_json(text.expose()).map_err(serde::de::Error::custom)
}

fn write_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(time.as_millis())
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    i64::deserialize(deserializer).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_saved_phone_can_be_read_by_its_owner_only() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let user_key = PrivateJwk::generate(&SystemRandom).unwrap();
        let enrolment = SavedEnrolment {
            profile_id: "ABC234".parse().unwrap(),
            key: user_key,
        };

        let token = Token {
            access_token: SecretString::new("t".into()),
            renew_at: Timestamp::from_millis(5),
        };
        let mut user = SavedUser {
            token: Some(token),
            enrolment: Some(enrolment),
            ..SavedUser::default()
        };

        user.refresh_tokens
            .insert(PIN.to_owned(), SavedSecret(SecretString::new("R".into())));
        user.pin = Some(PinSalt::new(&SystemRandom));
        user.keys
            .insert("fingerprint".to_owned(), SavedKey(key.clone()));

        let saved = Saved {
            server: "http://127.0.0.1:8080".parse().unwrap(),
            device_id: "D1".parse().unwrap(),
            registration_access_token: SecretString::new("r".into()),
            key: key.clone(),
            users: [("alice".parse().unwrap(), user)].into(),
        };

        let folder = std::env::temp_dir().join(key.public().thumbprint());
        fs::create_dir(&folder).unwrap();
        let path = folder.join("phone.json");
        saved.write(&path).unwrap();
        saved.write(&path).unwrap();

        let read = Saved::read(&path).unwrap();
        assert_eq!(read.key.public(), key.public());

        assert_eq!(
            serde_json::to_value(&read).unwrap(),
            serde_json::to_value(&saved).unwrap()
        );

        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }

        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_of_an_older_version_can_be_read() {
        let user: SavedUser = serde_json::from_str(r#"{"token":null,"enrolment":null}"#).unwrap();
        assert!(user.refresh_tokens.is_empty() && user.pin.is_none() && user.keys.is_empty());
    }

    #[test]
    fn all_of_an_authenticator_is_forgotten() {
        let mut user = SavedUser {
            pin: Some(PinSalt::new(&SystemRandom)),
            ..SavedUser::default()
        };
        for name in [DEFAULT, PIN, "fingerprint", "custom:face"] {
            user.refresh_tokens
                .insert(name.to_owned(), SavedSecret(SecretString::new(name.into())));

            user.keys.insert(
                name.to_owned(),
                SavedKey(PrivateJwk::generate(&SystemRandom).unwrap()),
            );
        }

        user.forget_authenticator("fingerprint");

        assert!(
            !user.refresh_tokens.contains_key("fingerprint")
                && !user.keys.contains_key("fingerprint")
        );

        assert!(user.pin.is_some());

        user.forget_authenticator(PIN);
        assert!(user.pin.is_none());

        user.forget_authenticators();
        assert_eq!(user.refresh_tokens.keys().collect::<Vec<_>>(), [DEFAULT]);
    }
}
