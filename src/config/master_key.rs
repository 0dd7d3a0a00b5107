//! Reads the master key from the settings or from a file beside an embedded database.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::load::Config;
use crate::random::{self, Random};
use crate::secret::{InvalidMasterKey, Keyring, SecretString};

#[derive(Clone, Debug)]
pub enum MasterKeySource {
    /// The key itself, from the settings.
    Configured(SecretString),
    /// A file beside the embedded database.
    File(PathBuf),
}

/// Why the master key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The database is PostgreSQL, and the settings have no key.
    #[error(
        "secrets.master_key is required with PostgreSQL: 32 random bytes in base64 (openssl rand -base64 32), as \
         COUNTERSIGN_SECRETS__MASTER_KEY_FILE for example"
    )]
    Required,
    #[error("{place}: {source}")]
    Invalid {
        place: String,
        source: InvalidMasterKey,
    },
    /// The file is missing, but the database is encrypted under its key.
    #[error(
        "the master key's file {} is missing: the database cannot be read without it; restore the file",
        .0.display()
    )]
    Lost(PathBuf),
    #[error("cannot {verb} the master key's file {}: {source}", path.display())]
    File {
        /// `read` or `write`.
        verb: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
}

impl Config {
    /// The settings, if they have a key; otherwise `<database>.key` beside an embedded database.
    pub fn master_key_source(&self) -> Result<MasterKeySource, MasterKeyError> {
        if let Some(key) = &self.secrets.master_key {
            return Ok(MasterKeySource::Configured(key.clone()));
        }

        let mut path = self
            .database
            .embedded_path()
            .ok_or(MasterKeyError::Required)?
            .as_os_str()
            .to_owned();

        path.push(".key");

        Ok(MasterKeySource::File(path.into()))
    }
}

impl MasterKeySource {
    /// Whether the key can be read, or may be made.
    pub fn check(&self) -> Result<(), MasterKeyError> {
        self.read().map(drop)
    }

    /// Returns `None` if the file does not exist.
    fn read(&self) -> Result<Option<Keyring>, MasterKeyError> {
        let (place, text) = match self {
            Self::Configured(key) => ("secrets.master_key".to_owned(), key.clone()),
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => (path.display().to_string(), SecretString::new(text)),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(source) => {
                    return Err(MasterKeyError::File {
                        verb: "read",
                        path: path.clone(),
                        source,
                    });
                }
            },
        };

        Keyring::from_base64(&text)
            .map(Some)
            .map_err(|source| MasterKeyError::Invalid { place, source })
    }

    /// Reads the key. If its file does not exist, creates it with a new key, unless the database is
    /// already `keyed`: a new key cannot open what was sealed under the lost one.
    pub fn read_or_create(
        &self,
        keyed: bool,
        random: &dyn Random,
    ) -> Result<Keyring, MasterKeyError> {
        if let Some(keyring) = self.read()? {
            return Ok(keyring);
        }

        if let (Self::File(path), true) = (self, keyed) {
            return Err(MasterKeyError::Lost(path.clone()));
        }

        self.create(random)?;

        self.read()?.ok_or(MasterKeyError::Required)
    }

    /// Writes a new key to the file, which only its owner can read. Never overwrites a file.
    fn create(&self, random: &dyn Random) -> Result<(), MasterKeyError> {
        let Self::File(path) = self else {
            return Ok(());
        };

        let key = Zeroizing::new(random::bytes::<32>(random));
        let text = Zeroizing::new(STANDARD.encode(key.as_ref()) + "\n");

        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);

        options
            .open(path)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())
                    .and_then(|()| file.sync_all())
            })
            .map_err(|source| MasterKeyError::File {
                verb: "write",
                path: path.clone(),
                source,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_key_is_created_once_and_only_its_owner_can_read_it() {
        let path = std::env::temp_dir().join(format!("countersign-key-{}", std::process::id()));
        let source = MasterKeySource::File(path.clone());
        assert!(source.read().unwrap().is_none());
        source.create(&SystemRandom).unwrap();
        assert!(source.read().unwrap().is_some());
        assert!(source.create(&SystemRandom).is_err());
        assert!(source.read_or_create(true, &SystemRandom).is_ok());
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &std::fs::metadata(&path).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600);
        }

        std::fs::remove_file(path).unwrap();

        assert!(matches!(
            source.read_or_create(true, &SystemRandom),
            Err(MasterKeyError::Lost(_))
        ));
    }

    #[test]
    fn postgresql_requires_a_configured_key() {
        let mut config = Config::default();
        config.database.url = SecretString::new("postgres://db/x".to_owned());

        assert!(matches!(
            config.master_key_source(),
            Err(MasterKeyError::Required)
        ));
    }
}
