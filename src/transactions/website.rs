//! What websites do with transactions.

use std::pin::pin;
use std::time::Duration;

use super::error::WebsiteError;
use super::facade::Transactions;
use super::idempotency::{Answer, once};
use super::messages::{Action, Caller, CommandError, Subscribe};
use super::methods::{self, Addressee};
use super::resend::{resend_push, resend_sms};
use super::start::start;
use super::state::Refusal;
use super::types::{
    AvailableDevice, AvailableType, IdempotencyKey, StartRequest, Started, Status,
    TransactionResult,
};
use crate::devices::PushTarget;
use crate::ids::{ClientId, TransactionId, UserId};
use crate::runtime::ask;
use crate::secret::SecretString;
use crate::settings::{AuthenticationType, Settings};

/// How often those who wait look at what other servers may have changed.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Transactions {
    /// The authentication types with which this user can be asked, by name. Empty for a user who is
    /// unknown or disabled.
    pub async fn available(&self, user: &UserId) -> Result<Vec<AvailableType>, WebsiteError> {
        let settings = self.services.base.settings.load();
        if !settings.mobile_authentication.enabled {
            return Err(WebsiteError::MobileAuthenticationDisabled);
        }

        // As for a user who is unknown: a website is not told who is disabled.
        if self.services.users.is_disabled(user).await? {
            return Ok(Vec::new());
        }

        let targets = self.services.devices.push_targets(user).await?;
        let mut available: Vec<_> = settings
            .authentication_types
            .values()
            .filter_map(|configured| available_type(&settings, configured, &targets))
            .collect();

        // The map has no order, but the same question shall have the same answer.
        available.sort_by(|left, right| left.type_name.cmp(&right.type_name));

        Ok(available)
    }

    /// Starts a transaction. It goes on whether or not the caller waits for the answer.
    ///
    /// # Errors
    /// Nothing was started, except for [`WebsiteError::PushNotSent`] and
    /// [`WebsiteError::SmsNotSent`]: then the transaction has failed.
    pub async fn start(
        &self,
        client: &ClientId,
        request: StartRequest,
        key: Option<IdempotencyKey>,
    ) -> Answer<Started> {
        let (this, client) = (self.clone(), client.clone());
        once(&self.services, key, async move |key| {
            start(&this, &client, request, key).await
        })
        .await
    }

    /// The result of a transaction of this website. With `wait`, answers when the transaction ends
    /// or the time is up.
    pub async fn result(
        &self,
        client: &ClientId,
        id: TransactionId,
        wait: Duration,
    ) -> Result<TransactionResult, WebsiteError> {
        let clock = &self.services.base.clock;
        let result = self.read_result(client, id).await?;
        if result.status != Status::Pending {
            return Ok(result);
        }

        let caller = Caller::Website {
            client: client.clone(),
            user: None,
        };

        if result.expires_at <= clock.now() {
            // It has expired without being looked at. If that fails, the row says what is known.
            let _ = self.command(id, caller, Action::Look).await;
            return self.read_result(client, id).await;
        }

        if wait.is_zero() {
            return Ok(result);
        }

        // Tells at once when it ends on this server. The loop below is for what others do.
        let mut ended = pin!(self.ended(id, &caller));
        let mut shutdown = self.services.shutdown.clone();
        let deadline = clock.now().after(wait);

        loop {
            let next = clock.now().after(LOOK_AGAIN).min(deadline);
            let is_last = tokio::select! {
                () = &mut ended => true,
                () = shutdown.begun() => true,
                () = clock.sleep_until(next) => next == deadline,
            };

            // It may have ended on another server.
            let result = self.read_result(client, id).await?;
            if is_last || result.status != Status::Pending {
                return Ok(result);
            }
        }
    }

    /// Cancels a pending transaction.
    pub async fn cancel(&self, client: &ClientId, id: TransactionId) -> Result<(), WebsiteError> {
        let caller = Caller::Website {
            client: client.clone(),
            user: None,
        };
        Ok(self.command(id, caller, Action::Cancel).await?)
    }

    /// Sends the push of a pending transaction again.
    pub async fn resend(
        &self,
        client: &ClientId,
        id: TransactionId,
        key: Option<IdempotencyKey>,
    ) -> Answer<()> {
        let (this, client) = (self.clone(), client.clone());
        once(&self.services, key, async move |key| {
            resend_push(&this, client, id, key).await
        })
        .await
    }

    /// Sends the text message of a pending transaction again.
    pub async fn resend_sms(
        &self,
        client: &ClientId,
        user: &UserId,
        id: TransactionId,
        key: Option<IdempotencyKey>,
    ) -> Answer<()> {
        let (this, client, user) = (self.clone(), client.clone(), user.clone());
        once(&self.services, key, async move |key| {
            resend_sms(&this, client, user, id, key).await
        })
        .await
    }

    /// Verifies the code that the user typed. A wrong one is counted durably before this answers.
    pub async fn verify_sms(
        &self,
        client: &ClientId,
        user: &UserId,
        id: TransactionId,
        code: &str,
    ) -> Result<(), WebsiteError> {
        let caller = Caller::Website {
            client: client.clone(),
            user: Some(user.clone()),
        };

        let action = Action::VerifyCode(SecretString::new(code.to_owned()));
        self.command(id, caller, action)
            .await
            .map_err(|error| WebsiteError::from(error).about_sms())
    }

    async fn read_result(
        &self,
        client: &ClientId,
        id: TransactionId,
    ) -> Result<TransactionResult, WebsiteError> {
        let result = self.services.reads.result(client, id).await?;
        result.ok_or(WebsiteError::NoSuchTransaction)
    }

    /// Completes when the transaction ends on this server, at once if it has ended since it was read.
    /// Never, where that will not be known.
    async fn ended(&self, id: TransactionId, caller: &Caller) {
        // Twice, because the actor may end just now, before it has heard who waits.
        for _ in 0..2 {
            match self.find_or_restore(id, caller).await {
                Ok(address) => {
                    if ask(&address, |reply| Subscribe { reply }).await.is_ok() {
                        return;
                    }
                }
                Err(CommandError::Refused(Refusal::AlreadyFinal(_))) => return,
                Err(_) => break,
            }
        }

        std::future::pending::<()>().await;
    }
}

impl From<CommandError> for WebsiteError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NotFound => Self::NoSuchTransaction,
            CommandError::Refused(Refusal::ResendLimitReached) => Self::ResendLimitReached,
            CommandError::Refused(_) => Self::AlreadyFinal,
            CommandError::WrongAnswer { attempts_left } => Self::WrongCode { attempts_left },
            CommandError::UserDisabled => Self::NoWayToAsk,
            CommandError::TooManyPrompts { retry_after } => Self::too_many_prompts(retry_after),
            CommandError::TooManyMessages { retry_after } => Self::too_many_messages(retry_after),
            CommandError::Unavailable => Self::Unavailable,
            CommandError::Undecided => Self::Undecided,
        }
    }
}

/// The type, if a user with these devices can be asked with it.
fn available_type(
    settings: &Settings,
    configured: &AuthenticationType,
    targets: &[PushTarget],
) -> Option<AvailableType> {
    let method = methods::of(configured.method);
    let needs_device = method.addressee == Addressee::Device;
    if (method.check_enabled)(settings).is_err()
        || !(method.is_configured)(settings)
        || (needs_device && targets.is_empty())
    {
        return None;
    }

    let devices = || {
        targets
            .iter()
            .map(|target| available_device(settings, target))
    };

    Some(AvailableType {
        type_name: configured.name.clone(),
        method: configured.method,
        devices: needs_device.then(|| devices().collect()),
    })
}

fn available_device(settings: &Settings, target: &PushTarget) -> AvailableDevice {
    let application = settings.applications.get(&target.application_id);
    AvailableDevice {
        application_id: target.application_id.to_string(),
        application_name: application
            .map_or_else(String::new, |application| application.name.clone()),
        device_id: target.device_id.clone(),
        device_name: target.device_name.clone(),
        platform: target.platform,
    }
}
