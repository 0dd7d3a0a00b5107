//! The audit log's events, by their wire names.

use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, TransactionId, UserId, uuid_v7};
use crate::random::Random;
use crate::store::rows::EventRow;

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $wire:literal,)*) => {
        /// What happened. The documented names where the documented system has them.
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
    /// A phone's answer was not properly signed.
    MobileAuthInvalidAnswer = "MOBILE_AUTH_INVALID_ANSWER",
    /// The user said: that was not me.
    MobileAuthReported = "MOBILE_AUTH_REPORTED",
    /// Wrong answers used up the attempts.
    PushAuthValidationLimitExceeded = "PUSH_AUTH_VALIDATION_LIMIT_EXCEEDED",
    /// A one-time password was scanned by a user.
    OtpAuthClaimed = "OTP_AUTH_CLAIMED",
    /// The right code was typed.
    SmsAuthAuthenticated = "SMS_AUTH_AUTHENTICATED",
    /// A wrong code was typed.
    SmsAuthNotAuthenticatedInvalidVerificationCode = "SMS_AUTH_NOT_AUTHENTICATED_INVALID_VERIFICATION_CODE",
    /// Wrong codes used up the attempts.
    SmsAuthValidationLimitExceeded = "SMS_AUTH_VALIDATION_LIMIT_EXCEEDED",
    /// The text message could not be sent.
    SmsAuthInitFailureFailedToSendSms = "SMS_AUTH_INIT_FAILURE_FAILED_TO_SEND_SMS",
    /// The same code was sent again.
    SmsResendSucceeded = "SMS_RESEND_SUCCEEDED",
    /// The same push was sent again.
    PushAuthResendSuccess = "PUSH_AUTH_RESEND_SUCCESS",
    /// The push service refused for good.
    PushAuthPushServiceFailure = "PUSH_AUTH_PUSH_SERVICE_FAILURE",
    /// Nobody answered in time.
    MobileAuthExpired = "MOBILE_AUTH_EXPIRED",
    /// The website called it off.
    MobileAuthCancelled = "MOBILE_AUTH_CANCELLED",
    /// The website took the callback.
    PushAuthCallbackSent = "PUSH_AUTH_CALLBACK_SENT",
    /// The callback was given up.
    PushAuthCallbackFailed = "PUSH_AUTH_CALLBACK_FAILED",
    /// An installation registered.
    DynamicRegSuccess = "DYNAMIC_REG_SUCCESS",
    /// An installation changed its registration.
    DynamicUpSuccess = "DYNAMIC_UP_SUCCESS",
    /// An installation unregistered.
    DynamicRegDeleted = "DYNAMIC_REG_DELETED",
    /// A user's keys were enrolled.
    KeyEnrollmentSuccess = "KEY_ENROLLMENT_SUCCESS",
    /// A user's keys were removed.
    KeyEnrollmentRemoved = "KEY_ENROLLMENT_REMOVED",
    /// An authenticator's key was enrolled.
    AuthenticatorEnrolled = "AUTHENTICATOR_ENROLLED",
    /// An authenticator's key was removed.
    AuthenticatorRemoved = "AUTHENTICATOR_REMOVED",
    /// A user is asked by push on this device.
    PushEnrollmentSuccess = "PUSH_ENROLLMENT_SUCCESS",
    /// A user is no longer asked by push on this device.
    PushEnrollmentRemoved = "PUSH_ENROLLMENT_REMOVED",
    /// The installation's push address was replaced.
    PushEnrollmentUpdateSuccess = "PUSH_ENROLLMENT_UPDATE_SUCCESS",
    /// The login page said who the user is.
    AuthzRequestGrantCreated = "AUTHZ_REQUEST_GRANT_CREATED",
    /// A user has allowed a client what it asked for.
    ConsentGiven = "CONSENT_GIVEN",
    /// An access token was issued.
    TokenRequestAccessTokenCreated = "TOKEN_REQUEST_ACCESS_TOKEN_CREATED",
    /// New tokens were issued for a refresh token.
    TokenRequestAccessTokenRefreshed = "TOKEN_REQUEST_ACCESS_TOKEN_REFRESHED",
    /// An authorization code came a second time; what it was exchanged for was revoked.
    TokenRequestInvalidAccessGrant = "TOKEN_REQUEST_INVALID_ACCESS_GRANT",
    /// A refresh token came that was used before; what it rests on was revoked.
    TokenRequestInvalidRefreshToken = "TOKEN_REQUEST_INVALID_REFRESH_TOKEN",
    /// Wrong PINs used up the attempts; the user was disconnected from the device.
    PushAuthValidationPinLimitExceeded = "PUSH_AUTH_VALIDATION_PIN_LIMIT_EXCEEDED",
    /// A user was disconnected from a device.
    UserDisconnected = "USER_DISCONNECTED",
    /// A key that signs tokens has a successor.
    JwtKeysRotated = "JWT_KEYS_ROTATED",
    /// A user was disabled, and everything the user was logged in with ended.
    UserDisabled = "USER_DISABLED",
    /// A user was enabled again.
    UserEnabled = "USER_ENABLED",
    /// A user got another id; there is one such event for either.
    UserRenamed = "USER_RENAMED",
    /// A user's password was changed elsewhere; everything the user was logged in with ended.
    UserPasswordChanged = "USER_PASSWORD_CHANGED",
    /// Everything a user was logged in with ended.
    UserTokensRevoked = "TOKEN_REVOKE_USER_TOKENS_SUCCESS",
    /// An access token was revoked.
    TokenRevokeAccessTokenSuccess = "TOKEN_REVOKE_ACCESS_TOKEN_SUCCESS",
    /// A refresh token was revoked, and what rests on it.
    TokenRevokeRefreshTokenSuccess = "TOKEN_REVOKE_REFRESH_TOKEN_SUCCESS",
    /// Everything issued to a client, or to all installations of an application, was revoked.
    TokenRevokeClientTokensSuccess = "TOKEN_REVOKE_CLIENT_TOKENS_SUCCESS",
    /// Everything issued for a resource server was revoked.
    TokenRevokeResourceServerTokensSuccess = "TOKEN_REVOKE_RESOURCE_SERVER_TOKENS_SUCCESS",
    /// A portal removed a token of a user.
    ApiTokenRemoved = "API_TOKEN_REMOVED",
    /// A portal would remove a token that the user does not have.
    ApiTokenNotRemovedNotFound = "API_TOKEN_NOT_REMOVED_NOT_FOUND",
    /// A portal would remove a token of another user.
    ApiTokenNotRemovedForbidden = "API_TOKEN_NOT_REMOVED_FORBIDDEN",
    /// A portal took back a consent of a user, and what was issued on it.
    ApiConsentRemoved = "API_CONSENT_REMOVED",
    /// A portal would take back a consent that the user has not given.
    ApiConsentNotRemovedNotFound = "API_CONSENT_NOT_REMOVED_NOT_FOUND",
    /// A client assertion or secret was refused.
    ClientCredentialsCheckFailed = "CLIENT_CREDENTIALS_CHECK_FAILED",
}

/// Whom an event concerns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Concerning<'a> {
    /// The API client that acted.
    pub client: Option<&'a ClientId>,
    pub user: Option<&'a UserId>,
    pub device: Option<&'a DeviceId>,
    pub transaction: Option<TransactionId>,
}

/// The row of an event that happens now.
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
