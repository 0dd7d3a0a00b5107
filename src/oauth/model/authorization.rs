use crate::clock::Timestamp;
use crate::ids::{AuthorizationId, DeviceCodeId, GrantId, UserId};
use crate::secret::TokenHash;

use serde::{Deserialize, Serialize};

use super::hints::Hints;
use super::login::Login;

/// A client's request for a user to be logged in: from the request to the code, or to the answer
/// that an appliance waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) id: AuthorizationId,
    pub(crate) client_id: String,
    /// What is asked for, then what was granted of it.
    pub(crate) scope: String,
    pub(crate) resource_server: Option<String>,
    pub(crate) hints: Hints,
    pub(crate) answer_to: AnswerTo,
    /// Of the challenge that was handed out last. It stays when that was answered, so that a second
    /// answer is told from one to an unknown challenge.
    pub(crate) challenge: Option<TokenHash>,
    pub(crate) state: AuthorizationState,
    pub(crate) created_at: Timestamp,
    /// When the state it is in ends: a page, or the code, is of no use any more.
    pub(crate) expires_at: Timestamp,
}

/// Where the answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AnswerTo {
    /// A code, by way of the browser (RFC 6749 §4.1.2).
    Redirect(RedirectAnswer),
    /// The appliance that polls with this code (RFC 8628).
    Appliance(DeviceCodeId),
}

/// What a client said of the answer it expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedirectAnswer {
    pub(crate) redirect_uri: String,
    /// Given back as it is.
    pub(crate) state: Option<String>,
    /// For the ID token.
    pub(crate) nonce: Option<String>,
    /// Of PKCE (RFC 7636), `S256`. `None` where the client is configured to do without.
    pub(crate) code_challenge: Option<String>,
    /// The thumbprint of the key the code is bound to (RFC 9449 §10).
    pub(crate) jkt: Option<String>,
}

/// Where an authorization stands, with what is known by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuthorizationState {
    /// The login page has to say who the user is.
    WaitingForLogin,
    /// The login page has said who the user is; the browser that began has to come back.
    LoggedIn {
        login: Login,
        /// Whether the browser is to remember the login.
        remember: bool,
    },
    /// The consent page has to say what the user allows.
    WaitingForConsent(Login),
    /// The consent page has said what the user allows; the browser that began has to come back.
    Consented(Login),
    /// A page refused, before or after the user was known; the browser that began has to come back.
    Refused {
        login: Option<Login>,
        reason: Reason,
    },
    /// A code was issued.
    CodeIssued { code: TokenHash, login: Login },
    /// Tokens were issued for the code.
    Redeemed { grant_id: GrantId, user_id: UserId },
    /// The client, or the appliance, was told that there is no code.
    Rejected(Option<Login>),
    /// The code was presented wrongly, and is of no use any more.
    Burnt,
    /// The appliance may have its tokens.
    ApplianceAllowed(Login),
}

impl AuthorizationState {
    /// The user, once known and as long as that matters.
    pub(crate) fn login(&self) -> Option<&Login> {
        match self {
            Self::LoggedIn { login, .. }
            | Self::WaitingForConsent(login)
            | Self::Consented(login)
            | Self::CodeIssued { login, .. }
            | Self::ApplianceAllowed(login) => Some(login),
            Self::Rejected(login) | Self::Refused { login, .. } => login.as_ref(),
            Self::WaitingForLogin | Self::Redeemed { .. } | Self::Burnt => None,
        }
    }
}

/// What a client is told when it gets no code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reason {
    /// The code on the wire (RFC 6749 §4.1.2.1).
    pub(crate) error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}
