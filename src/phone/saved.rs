//! What a phone remembers, and the file it keeps it in between two runs of the command line.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;
use zeroize::Zeroizing;

use super::authenticators::{DEFAULT, PIN};
use super::pin::PinSalt;
use crate::clock::Timestamp;
use crate::ids::{DeviceId, ProfileId, UserId};
use crate::jose::PrivateJwk;
use crate::secret::SecretString;

/// Everything a phone remembers. It holds private keys and tokens, so its file is for its owner
/// alone.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Saved {
    /// The server's base URL.
    pub(super) server: Url,
    /// The installation's `client_id`.
    pub(super) device_id: DeviceId,
    /// For RFC 7592.
    #[serde(serialize_with = "expose")]
    pub(super) registration_access_token: SecretString,
    #[serde(serialize_with = "write_key", deserialize_with = "read_key")]
    pub(super) key: PrivateJwk,
    /// Those who have logged in.
    #[serde(default)]
    pub(super) users: BTreeMap<UserId, SavedUser>,
}

/// One user of the phone.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct SavedUser {
    /// The user's access token.
    pub(super) token: Option<Token>,
    /// What the server calls this user on this phone, once keys are enrolled.
    pub(super) enrolment: Option<SavedEnrolment>,
    /// By the authenticator that each belongs to; `default` is none.
    #[serde(default)]
    pub(super) refresh_tokens: BTreeMap<String, SavedSecret>,
    /// What the PIN's key is derived with, once a PIN is set. The key itself is nowhere.
    #[serde(default)]
    pub(super) pin: Option<PinSalt>,
    /// The keys of the other authenticators.
    #[serde(default)]
    pub(super) keys: BTreeMap<String, SavedKey>,
}

impl SavedUser {
    /// Forgets an authenticator, with the refresh token that belongs to it.
    pub(super) fn forget_authenticator(&mut self, name: &str) {
        self.refresh_tokens.remove(name);
        self.keys.remove(name);
        if name == PIN {
            self.pin = None;
        }
    }

    /// Forgets all of them.
    pub(super) fn forget_authenticators(&mut self) {
        self.refresh_tokens.retain(|name, _| name == DEFAULT);
        self.keys.clear();
        self.pin = None;
    }
}

/// A secret that is written down.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct SavedSecret(#[serde(serialize_with = "expose")] pub(super) SecretString);

/// A key pair that is written down.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct SavedKey(
    #[serde(serialize_with = "write_key", deserialize_with = "read_key")] pub(super) PrivateJwk,
);

/// What enrolling left behind.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SavedEnrolment {
    pub(super) profile_id: ProfileId,
    /// What the server seals content to.
    #[serde(serialize_with = "write_key", deserialize_with = "read_key")]
    pub(super) key: PrivateJwk,
}

/// An access token and when it is better not used any more.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Token {
    #[serde(serialize_with = "expose")]
    pub(super) access_token: SecretString,
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub(super) renew_at: Timestamp,
}

impl Saved {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = Zeroizing::new(fs::read(path)?);
        serde_json::from_slice(&text)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Replaces the file in one step, so that a phone never loses its keys to half a write.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let text = Zeroizing::new(serde_json::to_vec_pretty(self)?);
        let unfinished = path.with_extension("unfinished");
        let mut file = open_for_owner(&unfinished)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(unfinished, path)
    }
}

/// A new file that its owner alone may read.
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
    fn what_is_saved_is_read_again_and_only_the_owner_may() {
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
    fn a_user_of_an_older_file_has_no_refresh_tokens() {
        let user: SavedUser = serde_json::from_str(r#"{"token":null,"enrolment":null}"#).unwrap();
        assert!(user.refresh_tokens.is_empty() && user.pin.is_none() && user.keys.is_empty());
    }

    #[test]
    fn what_is_forgotten_is_all_of_an_authenticator() {
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
