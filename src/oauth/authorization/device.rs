//! Devices without a browser (RFC 8628): they show their user a code, the user brings it here, and
//! the device asks until it is told.

use std::time::Duration;

use super::authorize::AuthorizeRefusal;
use super::hints::Hints;
use super::sessions::{Browser, Redirect};
use super::state::AuthorizationStatus;
use super::{PAGE_TIME_TO_LIVE, persist, user_code};
use crate::clock::Timestamp;
use crate::ids::uuid_v7;
use crate::oauth::clients::{AuthenticatedClient, Client, Credentials};
use crate::oauth::error::log_unavailable;
use crate::oauth::{OAuthError, TokenServer};
use crate::secret::{OpaqueToken, SecretString, TokenKind};
use crate::settings::GrantType;
use crate::store::StoreError;
use crate::store::rows::{AuthorizationRow, DeviceCodeRow};

/// How long a device waits for its user.
const TIME_TO_LIVE: Duration = Duration::from_secs(600);
/// How long a device has to wait between two questions, in seconds, and how much longer if it does
/// not.
const INTERVAL_SECONDS: i32 = 5;
const INTERVAL_SECONDS_MAX: i32 = 300;
/// How often a user code may be taken before the server gives up.
const CODES_MAX: usize = 8;

/// Where a device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub(in crate::oauth) enum DeviceCodeStatus {
    /// Its user has not decided.
    Waiting = 0,
    /// It may have its tokens.
    Allowed = 1,
    /// It has them.
    Redeemed = 2,
    /// It may not.
    Denied = 3,
}

impl DeviceCodeStatus {
    /// As stored.
    pub(in crate::oauth) const fn stored(self) -> i16 {
        self as i16
    }
}

/// What a device and its user are told (RFC 8628 §3.2).
#[derive(Clone, Debug)]
pub struct DeviceAuthorization {
    /// What the device asks with. A secret.
    pub device_code: SecretString,
    /// What it shows: `XXXX-XXXX`.
    pub user_code: String,
    /// Where the user goes.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: String,
    /// `expires_in`.
    pub expires_in: Duration,
    /// `interval`, in seconds.
    pub interval: i32,
}

/// Why an entry leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserCodeRefusal {
    /// No device waits that shows this code. `400`.
    #[error("The code is unknown or has expired.")]
    Unknown,
    /// Too many codes that were none. `429`.
    #[error("Too many wrong codes were entered; try again in a moment.")]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for UserCodeRefusal {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

impl From<AuthorizeRefusal> for UserCodeRefusal {
    fn from(refusal: AuthorizeRefusal) -> Self {
        match refusal {
            AuthorizeRefusal::ClientOrRedirectUri | AuthorizeRefusal::RequestUri => Self::Unknown,
            AuthorizeRefusal::Unavailable => Self::Unavailable,
        }
    }
}

impl TokenServer {
    /// Lets a device wait for its user.
    pub async fn authorize_device(
        &self,
        credentials: &Credentials,
        scope: Option<&str>,
        resource: Option<&str>,
    ) -> Result<DeviceAuthorization, OAuthError> {
        let AuthenticatedClient { client, assertions } =
            self.authenticate_client(credentials).await?;
        self.use_up(assertions).await?;
        if !client.may_use(GrantType::DeviceCode) {
            return Err(OAuthError::UnauthorizedClient(
                "The client is not configured for device codes.",
            ));
        }
        let (scope, resource_server) = self.user_scope(&client, scope, resource)?;
        let device_code = OpaqueToken::new(
            &self.0.base.keyring,
            TokenKind::DeviceCode,
            self.0.base.random.as_ref(),
        );
        let now = self.0.base.clock.now();
        let row = DeviceCodeRow {
            id: uuid_v7(now, self.0.base.random.as_ref())
                .into_bytes()
                .to_vec(),
            device_code_hash: device_code.hash.to_vec(),
            user_code_hash: Vec::new(),
            client_id: client.id().to_owned(),
            scope,
            resource_server: resource_server.map(|server| server.id.clone()),
            status: DeviceCodeStatus::Waiting.stored(),
            user_id: None,
            amr: None,
            acr: None,
            auth_time: None,
            interval_seconds: INTERVAL_SECONDS,
            polled_at: None,
            created_at: now.as_millis(),
            expires_at: now.after(TIME_TO_LIVE).as_millis(),
        };
        let user_code = user_code::shown(self.add_device(row).await?.expose());
        let verification_uri = format!("{}/oauth/device", self.0.issuer);
        Ok(DeviceAuthorization {
            device_code: device_code.text,
            verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
            user_code,
            verification_uri,
            expires_in: TIME_TO_LIVE,
            interval: INTERVAL_SECONDS,
        })
    }

    /// Adds a device under a user code that no other has.
    async fn add_device(&self, row: DeviceCodeRow) -> Result<SecretString, OAuthError> {
        for _ in 0..CODES_MAX {
            let code = user_code::fresh(self.0.base.random.as_ref());
            let user_code_hash = self.user_code_hash(code.expose());
            if persist::add_device_code(
                &self.0.base.store,
                DeviceCodeRow {
                    user_code_hash,
                    ..row.clone()
                },
            )
            .await?
            {
                return Ok(code);
            }
        }
        Err(OAuthError::Unavailable)
    }

    fn user_code_hash(&self, code: &str) -> Vec<u8> {
        self.0
            .base
            .keyring
            .token_hash(TokenKind::UserCode, code)
            .to_vec()
    }

    /// A user has brought a code. Gives where the browser goes on to.
    pub async fn enter_user_code(
        &self,
        entry: &str,
        browser: &Browser,
    ) -> Result<Redirect, UserCodeRefusal> {
        let now = self.0.base.clock.now();
        let entered = self.0.user_codes.lock().enter(now);
        entered.map_err(|retry_after| UserCodeRefusal::TooMany { retry_after })?;
        let code = user_code::typed(entry).ok_or(UserCodeRefusal::Unknown)?;
        let hash = self.0.base.keyring.token_hash(TokenKind::UserCode, &code);
        let device = persist::find_device_of_user_code(&self.0.base.store, hash).await?;
        let waits = |device: &DeviceCodeRow| {
            device.status == DeviceCodeStatus::Waiting.stored()
                && now.as_millis() < device.expires_at
        };
        let device = device.filter(waits).ok_or(UserCodeRefusal::Unknown)?;
        self.0.user_codes.lock().was_right();
        match self.find_client(&device.client_id).await {
            Ok(Some(client)) => self.begin_for_device(&client, device, browser).await,
            Ok(None) => Err(UserCodeRefusal::Unknown),
            Err(_) => Err(UserCodeRefusal::Unavailable),
        }
    }

    /// The user is asked once at least, on a page that names the client: where nobody asks for
    /// consent, the login page.
    async fn begin_for_device(
        &self,
        client: &Client,
        device: DeviceCodeRow,
        browser: &Browser,
    ) -> Result<Redirect, UserCodeRefusal> {
        let now = self.0.base.clock.now();
        let (recognition, cookie) = self.recognition(browser);
        let hints = Hints {
            browser: Some(recognition),
            ..Hints::default()
        };
        let row = AuthorizationRow {
            id: uuid_v7(now, self.0.base.random.as_ref())
                .into_bytes()
                .to_vec(),
            client_id: device.client_id,
            scope: device.scope,
            resource_server: device.resource_server,
            hints: hints.stored(),
            device_code_id: Some(device.id),
            status: AuthorizationStatus::WaitingForLogin.stored(),
            created_at: now.as_millis(),
            expires_at: device
                .expires_at
                .min(now.after(PAGE_TIME_TO_LIVE).as_millis()),
            ..AuthorizationRow::default()
        };
        let session = match client.skips_consent() {
            true => None,
            false => self.remembered_login(browser, &hints).await?,
        };
        if let Some(session) = session
            && let Some(address) = self.skip_login(client, row.clone(), session, false).await?
        {
            return Ok(Redirect::to(address));
        }
        let address = self
            .save_new(self.send_to_login(row), Vec::new())
            .await
            .map_err(AuthorizeRefusal::from)?;
        Ok(Redirect { address, cookie })
    }
}

/// What a device is told that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oauth) enum PollVerdict {
    /// Its tokens.
    Redeem,
    /// To wait.
    Pending,
    /// To wait, and longer than before: so many seconds from now on.
    SlowDown(i32),
    /// That its user said no.
    Denied,
    /// That it has waited in vain.
    Expired,
    /// Nothing: the code is not its own, or was used before.
    Refuse,
}

/// Decides what a client is told that asks with this device's code.
pub(in crate::oauth) fn decide_poll(
    row: &DeviceCodeRow,
    client_id: &str,
    now: Timestamp,
) -> PollVerdict {
    let is = |status: DeviceCodeStatus| row.status == status.stored();
    if row.client_id != client_id || is(DeviceCodeStatus::Redeemed) {
        return PollVerdict::Refuse;
    }
    if row.expires_at <= now.as_millis() {
        return PollVerdict::Expired;
    }
    if is(DeviceCodeStatus::Allowed) {
        return PollVerdict::Redeem;
    }
    if is(DeviceCodeStatus::Denied) {
        return PollVerdict::Denied;
    }
    let interval = Duration::from_secs(u64::try_from(row.interval_seconds).unwrap_or(0));
    let too_early = |polled_at: i64| {
        now < Timestamp::from_millis(polled_at).after(interval) && polled_at <= now.as_millis()
    };
    if row.polled_at.is_some_and(too_early) {
        PollVerdict::SlowDown(
            row.interval_seconds
                .saturating_add(INTERVAL_SECONDS)
                .min(INTERVAL_SECONDS_MAX),
        )
    } else {
        PollVerdict::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_told_what_its_user_has_decided() {
        let row = |status: DeviceCodeStatus| DeviceCodeRow {
            id: vec![1],
            device_code_hash: vec![2],
            user_code_hash: vec![3],
            client_id: "tv".to_owned(),
            scope: "a".to_owned(),
            resource_server: None,
            status: status.stored(),
            user_id: None,
            amr: None,
            acr: None,
            auth_time: None,
            interval_seconds: 5,
            polled_at: Some(100_000),
            created_at: 0,
            expires_at: 600_000,
        };
        let waiting = || row(DeviceCodeStatus::Waiting);
        for (row, client, now, expected) in [
            (waiting(), "tv", 105_000, PollVerdict::Pending),
            (waiting(), "tv", 104_999, PollVerdict::SlowDown(10)),
            (waiting(), "tv", 99_000, PollVerdict::Pending),
            (
                DeviceCodeRow {
                    interval_seconds: 10,
                    ..waiting()
                },
                "tv",
                105_000,
                PollVerdict::SlowDown(15),
            ),
            (
                DeviceCodeRow {
                    interval_seconds: 300,
                    ..waiting()
                },
                "tv",
                105_000,
                PollVerdict::SlowDown(300),
            ),
            (
                DeviceCodeRow {
                    polled_at: None,
                    ..waiting()
                },
                "tv",
                1,
                PollVerdict::Pending,
            ),
            (waiting(), "tv", 600_000, PollVerdict::Expired),
            (
                row(DeviceCodeStatus::Allowed),
                "tv",
                100_001,
                PollVerdict::Redeem,
            ),
            (
                row(DeviceCodeStatus::Allowed),
                "tv",
                600_000,
                PollVerdict::Expired,
            ),
            (
                row(DeviceCodeStatus::Denied),
                "tv",
                105_000,
                PollVerdict::Denied,
            ),
            (
                row(DeviceCodeStatus::Redeemed),
                "tv",
                105_000,
                PollVerdict::Refuse,
            ),
            (
                row(DeviceCodeStatus::Allowed),
                "radio",
                105_000,
                PollVerdict::Refuse,
            ),
            (waiting(), "", 105_000, PollVerdict::Refuse),
        ] {
            assert_eq!(
                decide_poll(&row, client, Timestamp::from_millis(now)),
                expected,
                "{row:?} {client} {now}"
            );
        }
    }
}
