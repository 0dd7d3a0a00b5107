//! Making a signing key.

use std::fmt::Display;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

use crate::jose::{JoseError, SigningAlgorithm, SigningKey};
use crate::oauth::error::OAuthError;
use crate::random::SharedRandom;
use crate::secret::{Keyring, Purpose};

/// A key that was just made: when it signs is decided where it is stored.
pub(super) struct NewKey {
    pub(super) kid: String,
    pub(super) algorithm: SigningAlgorithm,
    /// PKCS#8, sealed.
    pub(super) sealed: Vec<u8>,
}

/// Makes a key on a thread of its own: an RSA key takes up to a second.
pub(super) async fn key(
    algorithm: SigningAlgorithm,
    keyring: &Arc<Keyring>,
    random: &SharedRandom,
) -> Result<NewKey, OAuthError> {
    let (reply, made) = oneshot::channel();
    let (keyring, random) = (Arc::clone(keyring), Arc::clone(random));
    let make = move || {
        // The caller may have gone.
        let _ = reply.send(generate(algorithm, &keyring, &random));
    };

    thread::Builder::new()
        .name("signing-key".to_owned())
        .spawn(make)
        .map_err(failed)?;

    made.await.map_err(failed)?.map_err(failed)
}

fn generate(
    algorithm: SigningAlgorithm,
    keyring: &Keyring,
    random: &SharedRandom,
) -> Result<NewKey, JoseError> {
    let key = SigningKey::generate(algorithm, random.as_ref())?;
    let kid = key.kid().to_owned();
    let sealed = keyring.seal(
        Purpose::SigningKey,
        kid.as_bytes(),
        &key.to_pkcs8()?,
        random.as_ref(),
    );

    Ok(NewKey {
        kid,
        algorithm,
        sealed,
    })
}

fn failed(error: impl Display) -> OAuthError {
    tracing::error!(%error, "no signing key can be made");
    OAuthError::Unavailable
}
