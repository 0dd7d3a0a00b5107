//! The states of an authorization, decided purely.

/// Where an authorization stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub(in crate::oauth) enum AuthorizationStatus {
    /// The login page has to say who the user is.
    WaitingForLogin = 0,
    /// A code was issued.
    CodeIssued = 1,
    /// A token was issued for the code.
    Redeemed = 2,
    /// The login page or the user said no.
    Rejected = 3,
    /// The code was presented by somebody it was not issued to, or wrongly, and is of no use any
    /// more.
    Burnt = 4,
    /// The consent page has to say what the user allows.
    WaitingForConsent = 5,
    /// The user is known; the browser has to come by and be told to remember.
    LoginRemembered = 6,
    /// The device that waits may have its tokens.
    DeviceAllowed = 7,
}

impl AuthorizationStatus {
    /// All of them.
    const ALL: [Self; 8] = [
        Self::WaitingForLogin,
        Self::CodeIssued,
        Self::Redeemed,
        Self::Rejected,
        Self::Burnt,
        Self::WaitingForConsent,
        Self::LoginRemembered,
        Self::DeviceAllowed,
    ];

    /// As stored.
    pub(in crate::oauth) const fn stored(self) -> i16 {
        self as i16
    }

    /// From the stored form.
    pub(in crate::oauth) fn from_stored(stored: i16) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.stored() == stored)
    }
}

/// What happens to an authorization before there is a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The login page says who the user is.
    LogIn {
        /// And that the browser is to remember it.
        remember: bool,
    },
    /// The browser has come by and been told.
    Remember,
    /// The user allows what the client asks for.
    Consent,
    /// The login page or the user says no.
    Reject,
}

/// What lies before the user who has logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ahead {
    /// The user has to consent.
    pub(super) consent: bool,
    /// A device waits for the answer, not a redirect address.
    pub(super) for_device: bool,
}

/// The step does not fit where the authorization stands: it was answered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnsweredBefore;

/// Where a step leads.
pub(super) const fn step(
    status: AuthorizationStatus,
    step: Step,
    ahead: Ahead,
) -> Result<AuthorizationStatus, AnsweredBefore> {
    use AuthorizationStatus as At;
    match (status, step) {
        (At::WaitingForLogin, Step::LogIn { remember: true }) => Ok(At::LoginRemembered),
        (At::WaitingForLogin, Step::LogIn { remember: false })
        | (At::LoginRemembered, Step::Remember) => Ok(after_login(ahead)),
        (At::WaitingForConsent, Step::Consent) => Ok(after_consent(ahead)),
        (At::WaitingForLogin | At::WaitingForConsent, Step::Reject) => Ok(At::Rejected),
        (At::WaitingForLogin, Step::Remember | Step::Consent)
        | (At::LoginRemembered, Step::LogIn { .. } | Step::Consent | Step::Reject)
        | (At::WaitingForConsent, Step::LogIn { .. } | Step::Remember)
        | (At::CodeIssued | At::Redeemed | At::Rejected | At::Burnt | At::DeviceAllowed, _) => {
            Err(AnsweredBefore)
        }
    }
}

/// Where an authorization begins whose user a browser remembers.
pub(super) const fn after_login(ahead: Ahead) -> AuthorizationStatus {
    if ahead.consent {
        AuthorizationStatus::WaitingForConsent
    } else {
        after_consent(ahead)
    }
}

const fn after_consent(ahead: Ahead) -> AuthorizationStatus {
    if ahead.for_device {
        AuthorizationStatus::DeviceAllowed
    } else {
        AuthorizationStatus::CodeIssued
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 5] = [
        Step::LogIn { remember: false },
        Step::LogIn { remember: true },
        Step::Remember,
        Step::Consent,
        Step::Reject,
    ];

    #[test]
    fn each_step_leads_where_the_table_says() {
        use AuthorizationStatus as At;
        let code = Ahead {
            consent: false,
            for_device: false,
        };
        let consent = Ahead {
            consent: true,
            for_device: false,
        };
        let device = Ahead {
            consent: false,
            for_device: true,
        };
        let both = Ahead {
            consent: true,
            for_device: true,
        };
        for ahead in [code, consent, device, both] {
            let end = if ahead.for_device {
                At::DeviceAllowed
            } else {
                At::CodeIssued
            };
            let known = if ahead.consent {
                At::WaitingForConsent
            } else {
                end
            };
            for status in At::ALL {
                for taken in STEPS {
                    let expected = match (status, taken) {
                        (At::WaitingForLogin, Step::LogIn { remember: true }) => {
                            Ok(At::LoginRemembered)
                        }
                        (At::WaitingForLogin, Step::LogIn { remember: false }) => Ok(known),
                        (At::LoginRemembered, Step::Remember) => Ok(known),
                        (At::WaitingForConsent, Step::Consent) => Ok(end),
                        (At::WaitingForLogin | At::WaitingForConsent, Step::Reject) => {
                            Ok(At::Rejected)
                        }
                        _ => Err(AnsweredBefore),
                    };
                    assert_eq!(
                        step(status, taken, ahead),
                        expected,
                        "{status:?} {taken:?} {ahead:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_status_is_stored_as_a_number_of_its_own() {
        for (index, status) in AuthorizationStatus::ALL.into_iter().enumerate() {
            assert_eq!(
                AuthorizationStatus::from_stored(status.stored()),
                Some(status)
            );
            assert_eq!(usize::try_from(status.stored()), Ok(index));
        }
        assert_eq!(AuthorizationStatus::from_stored(8), None);
    }
}
