//! What websites do with transactions.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::delivery::{self, Delivery, First, Parcel};
use super::idempotency::{Answer, Key, otp_of};
use super::messages::{Action, By, CommandError, Subscribe};
use super::persist::{self, Asked, Record};
use super::policy::{self, Plan, Target, invalid};
use super::state::{Refusal, State, Verdict};
use super::types::{
    AvailableDevice, AvailableType, IdempotencyKey, StartRequest, Started, StartedDevice, Status,
    TransactionResult, WebsiteError,
};
use super::{Shared, Transactions};
use crate::devices::PushTarget;
use crate::devices::channel::ReserveError;
use crate::ids::{ClientId, DeviceId, TransactionId, UserId};
use crate::runtime::ask;
use crate::secret::SecretString;
use crate::settings::{AuthenticationMethod, Settings};
use crate::store::StoreError;
use crate::store::journal::{Entry, Guard, Insert, Outcome};

impl Transactions {
    /// The ways this user can be asked; none for one who is unknown.
    ///
    /// # Errors
    /// Where mobile authentication is switched off or the database is out of reach.
    pub async fn available(&self, user: &UserId) -> Result<Vec<AvailableType>, WebsiteError> {
        let settings = self.0.base.settings.load();
        if !settings.mobile_authentication.enabled {
            return Err(WebsiteError::MobileAuthenticationDisabled);
        }
        if self.0.users.is_disabled(user).await? {
            return Ok(Vec::new());
        }
        let targets = self.0.devices.push_targets(user).await?;
        let known = !targets.is_empty();
        let mut available: Vec<_> = settings
            .authentication_types
            .values()
            .filter_map(|configured| {
                let general = &settings.mobile_authentication;
                let devices = match configured.method {
                    AuthenticationMethod::Push if general.push_enabled && known => targets
                        .iter()
                        .map(|target| available_device(&settings, target))
                        .collect(),
                    AuthenticationMethod::Sms if general.sms_enabled && settings.sms.is_some() => {
                        Vec::new()
                    }
                    AuthenticationMethod::Otp => Vec::new(),
                    AuthenticationMethod::Push | AuthenticationMethod::Sms => return None,
                };
                Some(AvailableType {
                    type_name: configured.name.clone(),
                    method: configured.method,
                    devices,
                })
            })
            .collect();
        available.sort_by(|left, right| left.type_name.cmp(&right.type_name));
        Ok(available)
    }

    /// Starts a transaction. It is durable before anything is sent, and goes on whether or not the
    /// caller waits.
    ///
    /// # Errors
    /// [`WebsiteError`]; nothing has happened then, but where the provider refused the message:
    /// that transaction has failed.
    pub async fn start(
        &self,
        client: &ClientId,
        request: StartRequest,
        key: Option<IdempotencyKey>,
    ) -> Answer<Started> {
        let (shared, client) = (Arc::clone(&self.0), client.clone());
        let running = tokio::spawn(async move {
            let key = Key::new(&shared, key);
            shared
                .once(key, |key| start(&shared, &client, request, key))
                .await
        });
        running
            .await
            .unwrap_or(Answer::fresh(Err(WebsiteError::Unavailable)))
    }

    /// How a transaction of this website stands. With `wait`, answers when it ends or the time is
    /// up.
    ///
    /// # Errors
    /// Another website's transaction, or none: [`WebsiteError::NoSuchTransaction`].
    pub async fn result(
        &self,
        client: &ClientId,
        id: TransactionId,
        wait: Duration,
    ) -> Result<TransactionResult, WebsiteError> {
        let result = self.0.read_result(client, id).await?;
        if result.status != Status::Pending {
            return Ok(result);
        }
        let by = By::Website {
            client: client.clone(),
            user: None,
        };
        if result.expires_at <= self.0.base.clock.now() {
            // Nobody has noticed yet.
            let _ = self.0.command(id, by, Action::Look, None, None).await;
        } else if !wait.is_zero() {
            self.0.wait_for_end(id, &by, wait).await;
        } else {
            return Ok(result);
        }
        self.0.read_result(client, id).await
    }

    /// Calls a transaction off.
    ///
    /// # Errors
    /// Unknown to this website, or ended already.
    pub async fn cancel(&self, client: &ClientId, id: TransactionId) -> Result<(), WebsiteError> {
        let by = By::Website {
            client: client.clone(),
            user: None,
        };
        match self.0.command(id, by, Action::Cancel, None, None).await {
            Ok(Verdict::Done) => Ok(()),
            Ok(Verdict::Wrong { .. } | Verdict::TooLate) | Err(CommandError::Refused(_)) => {
                Err(WebsiteError::AlreadyFinal)
            }
            Err(CommandError::NotTheirs) => Err(WebsiteError::NoSuchTransaction),
            Err(CommandError::Stale | CommandError::Unavailable) => Err(WebsiteError::Unavailable),
        }
    }

    /// Pushes the same request again.
    ///
    /// # Errors
    /// Unknown, not a push, ended, at its limit, or the user was asked too often.
    pub async fn resend(
        &self,
        client: &ClientId,
        id: TransactionId,
        key: Option<IdempotencyKey>,
    ) -> Answer<()> {
        let by = By::Website {
            client: client.clone(),
            user: None,
        };
        self.send_again(id, by, AuthenticationMethod::Push, key)
            .await
    }

    /// Sends the same text message again.
    ///
    /// # Errors
    /// Unknown, not SMS, ended, or at its limit.
    pub async fn resend_sms(
        &self,
        client: &ClientId,
        user: &UserId,
        id: TransactionId,
        key: Option<IdempotencyKey>,
    ) -> Answer<()> {
        let by = By::Website {
            client: client.clone(),
            user: Some(user.clone()),
        };
        self.send_again(id, by, AuthenticationMethod::Sms, key)
            .await
    }

    /// Checks the code the user typed. Each wrong one counts, durably, before this answers.
    ///
    /// # Errors
    /// The code is wrong, or there is no such pending transaction of this user.
    pub async fn verify_sms(
        &self,
        client: &ClientId,
        user: &UserId,
        id: TransactionId,
        code: &str,
    ) -> Result<(), WebsiteError> {
        let by = By::Website {
            client: client.clone(),
            user: Some(user.clone()),
        };
        let action = Action::VerifyCode(SecretString::new(code.to_owned()));
        match self.0.command(id, by, action, None, None).await {
            Ok(Verdict::Done) => Ok(()),
            Ok(Verdict::Wrong { attempts_left }) => Err(WebsiteError::WrongCode { attempts_left }),
            Ok(Verdict::TooLate) | Err(CommandError::NotTheirs | CommandError::Refused(_)) => {
                Err(WebsiteError::NoSuchPendingTransaction)
            }
            Err(CommandError::Stale | CommandError::Unavailable) => Err(WebsiteError::Unavailable),
        }
    }

    async fn send_again(
        &self,
        id: TransactionId,
        by: By,
        method: AuthenticationMethod,
        key: Option<IdempotencyKey>,
    ) -> Answer<()> {
        let shared = Arc::clone(&self.0);
        let running = tokio::spawn(async move {
            let key = Key::new(&shared, key);
            shared
                .once(key, |key| send_again(&shared, id, by, method, key))
                .await
        });
        running
            .await
            .unwrap_or(Answer::fresh(Err(WebsiteError::Unavailable)))
    }
}

impl From<StoreError> for WebsiteError {
    fn from(_: StoreError) -> Self {
        Self::Unavailable
    }
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

async fn start(
    shared: &Arc<Shared>,
    client: &ClientId,
    request: StartRequest,
    key: Option<Key>,
) -> Result<Started, WebsiteError> {
    let now = shared.base.clock.now();
    let plan = policy::plan(&shared.base.settings.load(), request, now)?;
    let (asked, device) = resolve(shared, &plan.target).await?;
    let id = TransactionId::new(now, &*shared.base.random);
    let (row, event) = persist::start_rows(id, client, &plan, &asked, now, shared);
    let record = Record::starting(id, client.clone(), &plan, &asked);
    let entry = Entry {
        user: asked.user.as_ref().map(ToString::to_string),
        guard: key.map(|key| Guard::from(key.row(id))),
        inserts: vec![
            Insert::Transaction(Box::new(row)),
            Insert::Event(Box::new(event)),
        ],
        ..Entry::default()
    };
    match shared.base.store.commit(entry).await? {
        Outcome::Committed => {}
        Outcome::Refused | Outcome::Replayed => return Err(WebsiteError::IdempotencyKeyInUse),
        Outcome::UserDisabled => return Err(WebsiteError::NoWayToAsk),
    }
    shared.host(record).ok_or(WebsiteError::Unavailable)?;
    shared
        .base
        .metrics
        .transaction_started(persist::method_name(plan.authentication_type.method));
    deliver(shared, id, &plan, asked).await?;
    Ok(started(shared, id, &plan, device))
}

/// Finds out who is asked, and for a push, whether they may be asked once more.
async fn resolve(
    shared: &Shared,
    target: &Target,
) -> Result<(Asked, Option<StartedDevice>), WebsiteError> {
    match target {
        Target::Otp => Ok((Asked::default(), None)),
        Target::Sms { user } => Ok((
            Asked {
                user: Some(user.clone()),
                ..Asked::default()
            },
            None,
        )),
        Target::Push { user, device } => {
            shared.admit(user).await?;
            let target = choose(shared.devices.push_targets(user).await?, device.as_ref())?;
            shared.reserve_prompt(&target.device_id, user).await?;
            let asked = Asked {
                user: Some(user.clone()),
                device: Some(target.device_id),
                profile: Some(target.profile_id),
            };
            Ok((
                asked,
                Some(StartedDevice {
                    name: target.device_name,
                    platform: target.platform,
                }),
            ))
        }
    }
}

fn choose(targets: Vec<PushTarget>, device: Option<&DeviceId>) -> Result<PushTarget, WebsiteError> {
    let mut fitting = targets
        .into_iter()
        .filter(|target| device.is_none_or(|device| target.device_id == *device));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(WebsiteError::NoWayToAsk),
        (Some(_), Some(_)) => Err(invalid(
            "device_id",
            "is required: several devices of this user qualify".to_owned(),
        )),
    }
}

async fn deliver(
    shared: &Arc<Shared>,
    id: TransactionId,
    plan: &Plan,
    asked: Asked,
) -> Result<(), WebsiteError> {
    let expires_at = plan.limits.expires_at;
    let (parcel, refused) = match (&plan.target, asked.device, asked.profile) {
        (Target::Push { .. }, Some(device), Some(profile)) => {
            let message = delivery::push_message(id, profile, &plan.content, expires_at);
            (Parcel::Push { device, message }, WebsiteError::PushNotSent)
        }
        (Target::Sms { .. }, ..) => match delivery::sms_message(shared, id, &plan.content) {
            Some(message) => (Parcel::Sms(message), WebsiteError::SmsNotSent),
            None => return Err(WebsiteError::SmsNotSent),
        },
        (Target::Otp | Target::Push { .. }, ..) => return Ok(()),
    };
    let (sender, first) = oneshot::channel();
    delivery::start(
        shared,
        Delivery {
            id,
            expires_at,
            parcel: Some(parcel),
            decisive: true,
        },
        Some(sender),
    );
    match first.await {
        Ok(First::Taken | First::Delayed) => Ok(()),
        Ok(First::Refused) | Err(_) => Err(refused),
    }
}

fn started(
    shared: &Shared,
    id: TransactionId,
    plan: &Plan,
    device: Option<StartedDevice>,
) -> Started {
    let method = plan.authentication_type.method;
    Started {
        transaction_id: id,
        method,
        time_to_live_millis: u64::from(plan.authentication_type.time_to_live_seconds) * 1000,
        expires_at: plan.limits.expires_at,
        otp: otp_of(shared, id, method),
        device,
    }
}

async fn send_again(
    shared: &Arc<Shared>,
    id: TransactionId,
    by: By,
    method: AuthenticationMethod,
    key: Option<Key>,
) -> Result<(), WebsiteError> {
    let sms = method == AuthenticationMethod::Sms;
    let missing = if sms {
        WebsiteError::NoSuchPendingTransaction
    } else {
        WebsiteError::NoSuchTransaction
    };
    if let By::Website {
        user: Some(user), ..
    } = &by
        && shared.users.is_disabled(user).await?
    {
        return Err(missing);
    }
    if !sms {
        shared.reserve_for_resend(id, &by).await?;
    }
    let row = key.map(|key| Box::new(key.row(id)));
    let (sender, first) = oneshot::channel();
    match shared
        .command(id, by, Action::Resend(method), row, Some(sender))
        .await
    {
        Ok(Verdict::Done) => {}
        Err(CommandError::Refused(Refusal::ResendLimitReached)) => {
            return Err(WebsiteError::ResendLimitReached);
        }
        Err(CommandError::Refused(_)) | Ok(Verdict::TooLate | Verdict::Wrong { .. }) if !sms => {
            return Err(WebsiteError::AlreadyFinal);
        }
        Ok(Verdict::TooLate | Verdict::Wrong { .. })
        | Err(CommandError::NotTheirs | CommandError::Refused(_)) => {
            return Err(missing);
        }
        Err(CommandError::Stale | CommandError::Unavailable) => {
            return Err(WebsiteError::Unavailable);
        }
    }
    match first.await {
        Ok(First::Refused) if sms => Err(WebsiteError::SmsNotSent),
        Ok(First::Refused) => Err(WebsiteError::PushNotSent),
        Ok(First::Taken | First::Delayed) | Err(_) => Ok(()),
    }
}

impl Shared {
    async fn read_result(
        &self,
        client: &ClientId,
        id: TransactionId,
    ) -> Result<TransactionResult, WebsiteError> {
        let row = persist::find(&self.base.store, id)
            .await?
            .ok_or(WebsiteError::NoSuchTransaction)?;
        if row.client_id != client.as_str() {
            return Err(WebsiteError::NoSuchTransaction);
        }
        persist::result_of(&row).map_err(|_| WebsiteError::Unavailable)
    }

    /// Waits until the transaction ends, the time is up or the server shuts down.
    async fn wait_for_end(self: &Arc<Self>, id: TransactionId, by: &By, wait: Duration) {
        let address = match self.directory.find(&id) {
            Some(address) => address,
            None => match self.restore(id, by).await {
                Ok(address) => address,
                Err(_) => return,
            },
        };
        let mut shutdown = self.shutdown.clone();
        tokio::select! {
            _ = ask(&address, |reply| Subscribe { reply }) => {}
            () = self.base.clock.sleep(wait) => {}
            () = shutdown.begun() => {}
        }
    }

    /// A disabled user is asked nothing.
    async fn admit(&self, user: &UserId) -> Result<(), WebsiteError> {
        if self.users.is_disabled(user).await? {
            Err(WebsiteError::NoWayToAsk)
        } else {
            Ok(())
        }
    }

    async fn reserve_prompt(&self, device: &DeviceId, user: &UserId) -> Result<(), WebsiteError> {
        match self.channels.reserve(device, user).await {
            Ok(()) => Ok(()),
            Err(ReserveError::TooManyPrompts { retry_after }) => {
                self.base.metrics.refused("prompts");
                Err(WebsiteError::TooManyPrompts {
                    retry_after_seconds: retry_after.as_secs().max(1),
                })
            }
            Err(ReserveError::Unavailable) => Err(WebsiteError::Unavailable),
        }
    }

    /// A push sent again is a prompt like any other.
    async fn reserve_for_resend(&self, id: TransactionId, by: &By) -> Result<(), WebsiteError> {
        let row = persist::find(&self.base.store, id)
            .await?
            .ok_or(WebsiteError::NoSuchTransaction)?;
        let record = Record::from_row(&row).map_err(|_| WebsiteError::Unavailable)?;
        if !record.belongs_to(by) || record.method != AuthenticationMethod::Push {
            return Err(WebsiteError::NoSuchTransaction);
        }
        match (record.state, &record.device, &record.user) {
            (State::Pending(pending), Some(device), Some(user))
                if pending.resends < record.limits.resends_max =>
            {
                self.admit(user).await?;
                self.reserve_prompt(device, user).await
            }
            // Ended or at its limit: the state machine says so.
            _ => Ok(()),
        }
    }
}
