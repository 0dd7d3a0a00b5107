//! The proof that the authenticator of a refresh token takes with each use.

use super::presented::Presented;
use crate::base::Base;
use crate::devices::{AuthenticatorName, Devices, FailedTry, ProofError, ProofOf, TryOutcome};
use crate::oauth::clients::Client;
use crate::oauth::error::OAuthError;
use crate::secret::SecretString;

/// Checks the proofs of authenticators.
pub(super) struct AuthenticatorProofs {
    pub(super) base: Base,
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

        // A proof that cannot be right costs no attempt.
        let purpose = ProofOf::RefreshToken(text.expose());
        purpose
            .check_claims(proof.expose(), self.base.clock.now())
            .map_err(|error| OAuthError::InvalidProof {
                error,
                attempts_left: None,
            })?;

        let gone = OAuthError::AuthenticatorGone;
        let key = presented.live.authenticator_key()?.ok_or(gone)?;

        let Client::Device { device, .. } = &presented.client else {
            return Err(gone);
        };

        let user = &presented.live.grant.login.user_id;

        // Recorded together with the attempt; what is written later must not record them again.
        let used = presented.used.take().into_rows();
        match self.devices.begin_try(device, user, name, used).await? {
            TryOutcome::Begun => {}
            TryOutcome::Replayed => return Err(OAuthError::InvalidClient),
            TryOutcome::NotAllowed => return Err(gone),
            TryOutcome::Exhausted => return Err(exhausted(name)),
        }

        if purpose.is_by(&key, proof.expose()) {
            return Ok(());
        }

        Err(match self.devices.fail_try(device, user, name).await? {
            FailedTry::Left(attempts_left) => OAuthError::InvalidProof {
                error: ProofError::Signature,
                attempts_left,
            },
            FailedTry::Exhausted => exhausted(name),
            FailedTry::Gone => gone,
        })
    }
}

/// What the last wrong proof has cost.
fn exhausted(name: &AuthenticatorName) -> OAuthError {
    match name {
        AuthenticatorName::Pin => OAuthError::UserDisconnected,
        AuthenticatorName::Fingerprint | AuthenticatorName::Custom(_) => {
            OAuthError::AuthenticatorGone
        }
    }
}
