use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::DeviceCodeId;
use crate::secret::TokenHash;
use crate::store::CorruptRow;
use crate::store::journal::{DeviceCodeRedemption, DevicePoll};
use crate::store::rows::{AuthenticationColumns, DeviceCodeAnswer, DeviceCodeRow};

use super::login::{Authentication, Login};

/// What an appliance polls with until its user has decided elsewhere (RFC 8628).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceCode {
    pub(crate) id: DeviceCodeId,
    pub(crate) client_id: String,
    /// What is asked for, then what was granted of it.
    pub(crate) scope: String,
    pub(crate) resource_server: Option<String>,
    pub(crate) state: DeviceCodeState,
    /// How long the appliance has to wait between two polls.
    pub(crate) interval: Duration,
    pub(crate) polled_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Where a device code stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeviceCodeState {
    /// The user has not decided.
    Waiting,
    /// The user allowed it: the appliance may have its tokens.
    Allowed(Login),
    /// The appliance has its tokens.
    Redeemed,
    /// The user refused.
    Denied,
}

mod status {
    pub(super) const WAITING: i16 = 0;
    pub(super) const ALLOWED: i16 = 1;
    pub(super) const REDEEMED: i16 = 2;
    pub(super) const DENIED: i16 = 3;
}

impl DeviceCode {
    /// How long an appliance has to wait between two polls at first, and how much longer each time
    /// it does not.
    pub(crate) const INTERVAL: Duration = Duration::from_secs(5);

    pub(crate) fn from_row(row: DeviceCodeRow) -> Result<Self, CorruptRow> {
        let corrupt = || CorruptRow::new("device_codes", &row.id);

        let authentication = row.auth_time.map(|auth_time| AuthenticationColumns {
            amr: row.amr,
            acr: row.acr,
            auth_time,
            claims: row.claims,
        });

        let state = match (row.status, row.user_id.zip(authentication)) {
            (status::WAITING, _) => DeviceCodeState::Waiting,
            (status::ALLOWED, Some((user, authentication))) => DeviceCodeState::Allowed(
                Login::from_columns(user, authentication).ok_or_else(corrupt)?,
            ),
            (status::REDEEMED, _) => DeviceCodeState::Redeemed,
            (status::DENIED, _) => DeviceCodeState::Denied,
            _ => return Err(corrupt()),
        };

        let interval = u64::try_from(row.interval_seconds).map_err(|_| corrupt())?;

        Ok(Self {
            id: DeviceCodeId::from_column(&row.id).ok_or_else(corrupt)?,
            client_id: row.client_id,
            scope: row.scope,
            resource_server: row.resource_server,
            state,
            interval: Duration::from_secs(interval),
            polled_at: row.polled_at.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }

    /// A code whose user has not decided, by the hashes of both its texts.
    pub(crate) fn to_new_row(
        &self,
        device_code: &TokenHash,
        user_code: &TokenHash,
    ) -> DeviceCodeRow {
        DeviceCodeRow {
            id: self.id.to_column(),
            device_code_hash: device_code.to_vec(),
            user_code_hash: user_code.to_vec(),
            client_id: self.client_id.clone(),
            scope: self.scope.clone(),
            resource_server: self.resource_server.clone(),
            status: status::WAITING,
            user_id: None,
            amr: None,
            acr: None,
            auth_time: None,
            claims: None,
            interval_seconds: self.interval_seconds(),
            polled_at: None,
            created_at: self.created_at.as_millis(),
            expires_at: self.expires_at.as_millis(),
        }
    }

    pub(crate) fn interval_seconds(&self) -> i32 {
        seconds(self.interval)
    }

    /// The change of the row that the appliance has polled, refused where it has polled since.
    pub(crate) fn poll(&self, now: Timestamp, interval: Duration) -> DevicePoll {
        DevicePoll {
            id: self.id.to_column(),
            expected_polled_at: self.polled_at.map(Timestamp::as_millis),
            polled_at: now.as_millis(),
            interval_seconds: seconds(interval),
        }
    }

    /// The change of the row that the code was exchanged for a grant.
    pub(crate) fn redemption(id: DeviceCodeId) -> DeviceCodeRedemption {
        DeviceCodeRedemption {
            id: id.to_column(),
            expected_status: status::ALLOWED,
            status: status::REDEEMED,
        }
    }
}

fn seconds(interval: Duration) -> i32 {
    i32::try_from(interval.as_secs()).unwrap_or(i32::MAX)
}

/// What a user has decided about an appliance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApplianceAnswer {
    pub(crate) code: DeviceCodeId,
    pub(crate) allowed: bool,
    /// What was granted.
    pub(crate) scope: String,
    /// `None` where the user was never known.
    pub(crate) login: Option<Login>,
}

impl ApplianceAnswer {
    /// The change of the code's row, refused where the user has decided before.
    pub(crate) fn to_row(&self) -> DeviceCodeAnswer {
        let authentication = self.login.as_ref().map(|login| &login.authentication);

        DeviceCodeAnswer {
            id: self.code.to_column(),
            expected_status: status::WAITING,
            status: if self.allowed {
                status::ALLOWED
            } else {
                status::DENIED
            },
            scope: self.scope.clone(),
            user_id: self.login.as_ref().map(|login| login.user_id.to_string()),
            amr: authentication.and_then(Authentication::amr_column),
            acr: authentication.and_then(|authentication| authentication.acr.clone()),
            auth_time: authentication.map(|authentication| authentication.time.as_millis()),
            claims: authentication.and_then(Authentication::claims_column),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_was_decided() {
        let code = DeviceCode {
            id: DeviceCodeId::from_bytes([1; 16]),
            client_id: "tv".to_owned(),
            scope: "a b".to_owned(),
            resource_server: None,
            state: DeviceCodeState::Waiting,
            interval: Duration::from_secs(5),
            polled_at: None,
            created_at: Timestamp::from_millis(1),
            expires_at: Timestamp::from_millis(2),
        };

        let new = code.to_new_row(&[2; 32], &[3; 32]);
        assert_eq!(DeviceCode::from_row(new.clone()), Ok(code.clone()));

        let login = Login {
            user_id: "alice".parse().unwrap(),
            authentication: Authentication {
                amr: vec!["pwd".to_owned()],
                acr: Some("high".to_owned()),
                time: Timestamp::from_millis(3),
                claims: None,
                session: None,
            },
        };

        let answered = |allowed, login: Option<&Login>| {
            let answer = ApplianceAnswer {
                code: code.id,
                allowed,
                scope: "a".to_owned(),
                login: login.cloned(),
            };

            let DeviceCodeAnswer {
                status,
                scope,
                user_id,
                amr,
                acr,
                auth_time,
                ..
            } = answer.to_row();

            DeviceCodeRow {
                status,
                scope,
                user_id,
                amr,
                acr,
                auth_time,
                ..new.clone()
            }
        };

        for (row, state) in [
            (
                answered(true, Some(&login)),
                DeviceCodeState::Allowed(login.clone()),
            ),
            (answered(false, Some(&login)), DeviceCodeState::Denied),
            (answered(false, None), DeviceCodeState::Denied),
        ] {
            let expected = DeviceCode {
                state,
                scope: "a".to_owned(),
                ..code.clone()
            };

            assert_eq!(DeviceCode::from_row(row), Ok(expected));
        }

        for broken in [
            answered(true, None),
            DeviceCodeRow {
                status: 4,
                ..new.clone()
            },
            DeviceCodeRow {
                interval_seconds: -1,
                ..new.clone()
            },
        ] {
            assert!(DeviceCode::from_row(broken.clone()).is_err(), "{broken:?}");
        }
    }
}
