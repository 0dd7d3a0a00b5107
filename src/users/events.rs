//! The types of the audit log's events, and their rows.

use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, TransactionId, UserId, uuid_v7};
use crate::random::Random;
use crate::store::rows::EventRow;

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $wire:literal,)*) => {
        /// What happened. Names are those of the documented system if it has such an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventType {
            $($(#[$doc])* $variant,)*
        }

        impl EventType {
            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire,)*
                }
            }
        }
    };
}

event_types! {
    /// A push transaction started.
    PushAuthInitialized = "PUSH_AUTH_INITIALIZED",
    /// An OTP transaction started.
    OtpAuthInitialized = "OTP_AUTH_INITIALIZED",
    /// An SMS transaction started.
    SmsAuthInitMessageSent = "SMS_AUTH_INIT_MESSAGE_SENT",
    /// A phone accepted.
    MobileAuthAuthenticated = "MOBILE_AUTH_AUTHENTICATED",
    /// A phone denied.
    MobileAuthNotAuthenticated = "MOBILE_AUTH_NOT_AUTHENTICATED",
    /// A phone's answer had no valid signature.
    MobileAuthInvalidAnswer = "MOBILE_AUTH_INVALID_ANSWER",
    /// The user reported a transaction that somebody else started.
    MobileAuthReported = "MOBILE_AUTH_REPORTED",
    /// Wrong answers used up the attempts.
    PushAuthValidationLimitExceeded = "PUSH_AUTH_VALIDATION_LIMIT_EXCEEDED",
    /// A user scanned a one-time password.
    OtpAuthClaimed = "OTP_AUTH_CLAIMED",
    /// The user typed the right code.
    SmsAuthAuthenticated = "SMS_AUTH_AUTHENTICATED",
    /// The user typed a wrong code.
    SmsAuthNotAuthenticatedInvalidVerificationCode = "SMS_AUTH_NOT_AUTHENTICATED_INVALID_VERIFICATION_CODE",
    /// Wrong codes used up the attempts.
    SmsAuthValidationLimitExceeded = "SMS_AUTH_VALIDATION_LIMIT_EXCEEDED",
    /// The text message could not be sent.
    SmsAuthInitFailureFailedToSendSms = "SMS_AUTH_INIT_FAILURE_FAILED_TO_SEND_SMS",
    /// A text message was resent with the same code.
    SmsResendSucceeded = "SMS_RESEND_SUCCEEDED",
    /// A push was resent.
    PushAuthResendSuccess = "PUSH_AUTH_RESEND_SUCCESS",
    /// The push service refused permanently.
    PushAuthPushServiceFailure = "PUSH_AUTH_PUSH_SERVICE_FAILURE",
    /// A transaction expired.
    MobileAuthExpired = "MOBILE_AUTH_EXPIRED",
    /// The website cancelled a transaction.
    MobileAuthCancelled = "MOBILE_AUTH_CANCELLED",
    /// The website accepted the callback.
    PushAuthCallbackSent = "PUSH_AUTH_CALLBACK_SENT",
    /// All attempts of a callback failed.
    PushAuthCallbackFailed = "PUSH_AUTH_CALLBACK_FAILED",
    /// A device registered.
    DynamicRegSuccess = "DYNAMIC_REG_SUCCESS",
    /// A device changed its registration.
    DynamicUpSuccess = "DYNAMIC_UP_SUCCESS",
    /// A device unregistered.
    DynamicRegDeleted = "DYNAMIC_REG_DELETED",
    /// A user's keys were enrolled.
    KeyEnrollmentSuccess = "KEY_ENROLLMENT_SUCCESS",
    /// A user's keys were removed.
    KeyEnrollmentRemoved = "KEY_ENROLLMENT_REMOVED",
    /// An authenticator's key was enrolled.
    AuthenticatorEnrolled = "AUTHENTICATOR_ENROLLED",
    /// An authenticator's key was removed.
    AuthenticatorRemoved = "AUTHENTICATOR_REMOVED",
    /// A user was enrolled for push on a device.
    PushEnrollmentSuccess = "PUSH_ENROLLMENT_SUCCESS",
    /// A user's enrolment for push on a device was removed.
    PushEnrollmentRemoved = "PUSH_ENROLLMENT_REMOVED",
    /// A device replaced its push address.
    PushEnrollmentUpdateSuccess = "PUSH_ENROLLMENT_UPDATE_SUCCESS",
    /// The login page accepted a log-in.
    AuthzRequestGrantCreated = "AUTHZ_REQUEST_GRANT_CREATED",
    /// A user consented to a client's request.
    ConsentGiven = "CONSENT_GIVEN",
    /// An access token was issued.
    TokenRequestAccessTokenCreated = "TOKEN_REQUEST_ACCESS_TOKEN_CREATED",
    /// Tokens were refreshed.
    TokenRequestAccessTokenRefreshed = "TOKEN_REQUEST_ACCESS_TOKEN_REFRESHED",
    /// An authorization code was used again, and the tokens issued for it were revoked.
    TokenRequestInvalidAccessGrant = "TOKEN_REQUEST_INVALID_ACCESS_GRANT",
    /// A refresh token was used again, and its grant was revoked.
    TokenRequestInvalidRefreshToken = "TOKEN_REQUEST_INVALID_REFRESH_TOKEN",
    /// Wrong PINs used up the attempts, and the user was disconnected from the device.
    PushAuthValidationPinLimitExceeded = "PUSH_AUTH_VALIDATION_PIN_LIMIT_EXCEEDED",
    /// A user was disconnected from a device.
    UserDisconnected = "USER_DISCONNECTED",
    /// A key that signs tokens got a successor.
    JwtKeysRotated = "JWT_KEYS_ROTATED",
    /// A user was disabled, which also ended all log-ins.
    UserDisabled = "USER_DISABLED",
    /// A user was enabled again, which also ended all log-ins.
    UserEnabled = "USER_ENABLED",
    /// A user was renamed. There is an event for the old id and one for the new.
    UserRenamed = "USER_RENAMED",
    /// A user's password was changed elsewhere, which ended all log-ins.
    UserPasswordChanged = "USER_PASSWORD_CHANGED",
    /// All log-ins of a user were ended.
    UserTokensRevoked = "TOKEN_REVOKE_USER_TOKENS_SUCCESS",
    /// An access token was revoked.
    TokenRevokeAccessTokenSuccess = "TOKEN_REVOKE_ACCESS_TOKEN_SUCCESS",
    /// A refresh token and its grant were revoked.
    TokenRevokeRefreshTokenSuccess = "TOKEN_REVOKE_REFRESH_TOKEN_SUCCESS",
    /// Everything issued to a client, or to all devices of an application, was revoked.
    TokenRevokeClientTokensSuccess = "TOKEN_REVOKE_CLIENT_TOKENS_SUCCESS",
    /// Everything issued for a resource server was revoked.
    TokenRevokeResourceServerTokensSuccess = "TOKEN_REVOKE_RESOURCE_SERVER_TOKENS_SUCCESS",
    /// A portal removed a token of a user.
    ApiTokenRemoved = "API_TOKEN_REMOVED",
    /// A portal tried to remove a token that does not exist.
    ApiTokenNotRemovedNotFound = "API_TOKEN_NOT_REMOVED_NOT_FOUND",
    /// A portal tried to remove a token of another user.
    ApiTokenNotRemovedForbidden = "API_TOKEN_NOT_REMOVED_FORBIDDEN",
    /// A portal withdrew a user's consent, which revoked its tokens.
    ApiConsentRemoved = "API_CONSENT_REMOVED",
    /// A portal tried to withdraw a consent that does not exist.
    ApiConsentNotRemovedNotFound = "API_CONSENT_NOT_REMOVED_NOT_FOUND",
    /// A client's assertion or secret was refused.
    ClientCredentialsCheckFailed = "CLIENT_CREDENTIALS_CHECK_FAILED",
}

/// Whom and what an event concerns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Concerning<'a> {
    /// The client that acted.
    pub client: Option<&'a ClientId>,
    pub user: Option<&'a UserId>,
    pub device: Option<&'a DeviceId>,
    pub transaction: Option<TransactionId>,
}

/// The row of an event that occurs now.
#[must_use]
pub fn event(
    event_type: EventType,
    concerning: Concerning<'_>,
    now: Timestamp,
    random: &dyn Random,
) -> EventRow {
    EventRow {
        id: uuid_v7(now, random).into_bytes().to_vec(),
        occurred_at: now.as_millis(),
        event_type: event_type.as_str().to_owned(),
        client_id: concerning.client.map(ToString::to_string),
        user_id: concerning.user.map(ToString::to_string),
        device_id: concerning.device.map(ToString::to_string),
        transaction_id: concerning.transaction.map(|id| id.as_bytes().to_vec()),
    }
}
