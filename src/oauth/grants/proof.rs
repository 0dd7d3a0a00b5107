//! The proof that the authenticator of a refresh token takes with each use.

use super::presented::Presented;
use crate::devices::{AuthenticatorName, DeviceError, Devices, ProofOf, Prover, Unproven};
use crate::oauth::clients::Client;
use crate::oauth::error::OAuthError;
use crate::oauth::replay;
use crate::secret::SecretString;

/// Checks the proofs of authenticators.
pub(super) struct AuthenticatorProofs {
    pub(super) devices: Devices,
}

impl AuthenticatorProofs {
    /// Has the authenticator of a refresh token, if it has one, prove that it is there. An attempt
    /// is counted before its proof is verified.
    pub(super) async fn check(
        &self,
        presented: &mut Presented,
        text: &SecretString,
        proof: Option<&SecretString>,
    ) -> Result<(), OAuthError> {
        let Some(name) = &presented.live.family.authenticator else {
            return Ok(());
        };

        let proof = proof.ok_or(OAuthError::InvalidRequest(
            "proof: is required for a refresh token of this authenticator.",
        ))?;

        let gone = OAuthError::AuthenticatorGone;
        let key = presented.live.authenticator_key()?.ok_or(gone)?;

        let Client::Device { device, .. } = &presented.client else {
            return Err(gone);
        };

        let prover = Prover {
            device,
            user: &presented.live.grant.login.user_id,
            name,
            key: &key,
        };
        let purpose = ProofOf::RefreshToken(text.expose());

        // Recorded together with the attempt; what is written later must not record them again.
        let used = presented.used.take().into_rows();
        let proven = self.devices.prove(prover, purpose, proof.expose(), used);

        proven.await.map_err(|error| match error {
            DeviceError::Refused(reason) => refusal(reason, name),
            DeviceError::Store(error) => error.into(),
        })
    }
}

fn refusal(reason: Unproven, name: &AuthenticatorName) -> OAuthError {
    match reason {
        Unproven::Invalid {
            error,
            attempts_left,
        } => OAuthError::InvalidProof {
            error,
            attempts_left,
        },
        Unproven::Replayed => replay::refused(),
        Unproven::Exhausted if *name == AuthenticatorName::Pin => OAuthError::UserDisconnected,
        Unproven::NotAllowed | Unproven::Exhausted | Unproven::Gone => {
            OAuthError::AuthenticatorGone
        }
    }
}
