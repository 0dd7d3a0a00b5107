//! What becomes of a code that is presented, decided purely.

use super::pkce;
use super::state::AuthorizationStatus;
use crate::clock::Timestamp;
use crate::secret::constant_time_eq;
use crate::store::rows::AuthorizationRow;

/// What a client presents to have a code redeemed.
#[derive(Debug)]
pub(in crate::oauth) struct PresentedCode<'a> {
    pub(in crate::oauth) client_id: &'a str,
    pub(in crate::oauth) redirect_uri: &'a str,
    pub(in crate::oauth) code_verifier: &'a str,
    /// The key the client has proved to have (RFC 9449).
    pub(in crate::oauth) jkt: Option<&'a str>,
}

/// What becomes of a code that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oauth) enum CodeVerdict {
    /// It is exchanged for a token.
    Redeem,
    /// It fails and will not succeed any more: whoever has it should not.
    Burn,
    /// It was used before: what it was used for is revoked (RFC 6749 §4.1.2).
    Revoke,
    /// It fails; there is nothing left to be done about it.
    Refuse,
}

/// Decides about a code that was presented.
pub(in crate::oauth) fn decide_code(
    row: &AuthorizationRow,
    presented: &PresentedCode<'_>,
    now: Timestamp,
) -> CodeVerdict {
    let status = AuthorizationStatus::from_stored(row.status);
    if status == Some(AuthorizationStatus::Redeemed) {
        return CodeVerdict::Revoke;
    }
    if status != Some(AuthorizationStatus::CodeIssued) || row.expires_at <= now.as_millis() {
        return CodeVerdict::Refuse;
    }
    let same_client = constant_time_eq(row.client_id.as_bytes(), presented.client_id.as_bytes());
    let same_redirect = row.redirect_uri.as_deref() == Some(presented.redirect_uri);
    let same_key = row.jkt.is_none() || row.jkt.as_deref() == presented.jkt;
    let challenge = row.code_challenge.as_deref();
    let verifies =
        challenge.is_some_and(|challenge| pkce::verifies(presented.code_verifier, challenge));
    if same_client && same_redirect && same_key && verifies {
        CodeVerdict::Redeem
    } else {
        CodeVerdict::Burn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn row(status: AuthorizationStatus) -> AuthorizationRow {
        AuthorizationRow {
            id: vec![1],
            challenge_hash: vec![2],
            code_hash: Some(vec![3]),
            client_id: "C1".to_owned(),
            redirect_uri: Some("bank://login".to_owned()),
            scope: "device user".to_owned(),
            code_challenge: Some(CHALLENGE.to_owned()),
            status: status.stored(),
            user_id: Some("alice".to_owned()),
            expires_at: NOW.as_millis() + 1,
            ..AuthorizationRow::default()
        }
    }

    #[test]
    fn a_code_is_bound_to_client_redirect_and_verifier() {
        let good = || PresentedCode {
            client_id: "C1",
            redirect_uri: "bank://login",
            code_verifier: VERIFIER,
            jkt: Some("K1"),
        };
        let issued = row(AuthorizationStatus::CodeIssued);
        assert_eq!(decide_code(&issued, &good(), NOW), CodeVerdict::Redeem);
        for wrong in [
            PresentedCode {
                client_id: "C2",
                ..good()
            },
            PresentedCode {
                redirect_uri: "bank://login/",
                ..good()
            },
            PresentedCode {
                code_verifier: &VERIFIER.to_lowercase(),
                ..good()
            },
            PresentedCode {
                code_verifier: CHALLENGE,
                ..good()
            },
            PresentedCode {
                code_verifier: "",
                ..good()
            },
        ] {
            assert_eq!(
                decide_code(&issued, &wrong, NOW),
                CodeVerdict::Burn,
                "{wrong:?}"
            );
            assert_eq!(
                decide_code(&row(AuthorizationStatus::Redeemed), &wrong, NOW),
                CodeVerdict::Revoke,
                "{wrong:?}"
            );
        }
        let bound = AuthorizationRow {
            jkt: Some("K1".to_owned()),
            ..issued.clone()
        };
        assert_eq!(decide_code(&bound, &good(), NOW), CodeVerdict::Redeem);
        for jkt in [None, Some("K2")] {
            assert_eq!(
                decide_code(&bound, &PresentedCode { jkt, ..good() }, NOW),
                CodeVerdict::Burn
            );
        }
        let late = AuthorizationRow {
            expires_at: NOW.as_millis(),
            ..issued
        };
        assert_eq!(decide_code(&late, &good(), NOW), CodeVerdict::Refuse);
        for status in [
            AuthorizationStatus::WaitingForLogin,
            AuthorizationStatus::LoginRemembered,
            AuthorizationStatus::WaitingForConsent,
            AuthorizationStatus::Rejected,
            AuthorizationStatus::Burnt,
            AuthorizationStatus::DeviceAllowed,
        ] {
            assert_eq!(decide_code(&row(status), &good(), NOW), CodeVerdict::Refuse);
        }
        assert_eq!(
            decide_code(&row(AuthorizationStatus::Redeemed), &good(), NOW),
            CodeVerdict::Revoke
        );
    }
}
