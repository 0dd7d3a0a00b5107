//! An authorization on its way from the application's request to the code's redemption: its states, decided purely.

use std::time::Duration;

use super::pkce;
use crate::clock::Timestamp;
use crate::secret::constant_time_eq;
use crate::store::rows::AuthorizationRow;

/// How long the user may take to log in.
pub(super) const LOGIN_TIME_TO_LIVE: Duration = Duration::from_secs(600);
/// How long a code may be on its way.
pub(super) const CODE_TIME_TO_LIVE: Duration = Duration::from_secs(60);

/// Where an authorization stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub(super) enum AuthorizationStatus {
    /// The login page has to say who the user is.
    WaitingForLogin = 0,
    /// A code was issued.
    CodeIssued = 1,
    /// A token was issued for the code.
    Redeemed = 2,
    /// The login page said no.
    Rejected = 3,
    /// The code was presented by somebody it was not issued to, or wrongly, and is of no use any more.
    Burnt = 4,
}

impl AuthorizationStatus {
    /// As stored.
    pub(super) const fn stored(self) -> i16 {
        self as i16
    }

    /// Whether this is where the row stands.
    pub(super) const fn is_of(self, row: &AuthorizationRow) -> bool {
        row.status == self.stored()
    }
}

/// What a client presents to have a code redeemed.
#[derive(Debug)]
pub(super) struct PresentedCode<'a> {
    pub(super) client_id: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) code_verifier: &'a str,
    /// The key the client has proved to have (RFC 9449).
    pub(super) jkt: Option<&'a str>,
}

/// What becomes of a code that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeVerdict {
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
pub(super) fn decide_code(row: &AuthorizationRow, presented: &PresentedCode<'_>, now: Timestamp) -> CodeVerdict {
    if AuthorizationStatus::Redeemed.is_of(row) {
        return CodeVerdict::Revoke;
    }
    if !AuthorizationStatus::CodeIssued.is_of(row) || row.expires_at <= now.as_millis() {
        return CodeVerdict::Refuse;
    }
    let same_client = constant_time_eq(row.client_id.as_bytes(), presented.client_id.as_bytes());
    let same_redirect = row.redirect_uri.as_deref() == Some(presented.redirect_uri);
    let same_key = row.jkt.is_none() || row.jkt.as_deref() == presented.jkt;
    let challenge = row.code_challenge.as_deref();
    let verifies = challenge.is_some_and(|challenge| pkce::verifies(presented.code_verifier, challenge));
    if same_client && same_redirect && same_key && verifies { CodeVerdict::Redeem } else { CodeVerdict::Burn }
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
            PresentedCode { client_id: "C2", ..good() },
            PresentedCode { redirect_uri: "bank://login/", ..good() },
            PresentedCode { code_verifier: &VERIFIER.to_lowercase(), ..good() },
            PresentedCode { code_verifier: CHALLENGE, ..good() },
            PresentedCode { code_verifier: "", ..good() },
        ] {
            assert_eq!(decide_code(&issued, &wrong, NOW), CodeVerdict::Burn, "{wrong:?}");
            assert_eq!(decide_code(&row(AuthorizationStatus::Redeemed), &wrong, NOW), CodeVerdict::Revoke, "{wrong:?}");
        }
        let bound = AuthorizationRow { jkt: Some("K1".to_owned()), ..issued.clone() };
        assert_eq!(decide_code(&bound, &good(), NOW), CodeVerdict::Redeem);
        for jkt in [None, Some("K2")] {
            assert_eq!(decide_code(&bound, &PresentedCode { jkt, ..good() }, NOW), CodeVerdict::Burn);
        }
        let late = AuthorizationRow { expires_at: NOW.as_millis(), ..issued };
        assert_eq!(decide_code(&late, &good(), NOW), CodeVerdict::Refuse);
        for status in [AuthorizationStatus::WaitingForLogin, AuthorizationStatus::Rejected, AuthorizationStatus::Burnt]
        {
            assert_eq!(decide_code(&row(status), &good(), NOW), CodeVerdict::Refuse);
        }
        assert_eq!(decide_code(&row(AuthorizationStatus::Redeemed), &good(), NOW), CodeVerdict::Revoke);
    }
}
