//! Appliances without a browser (RFC 8628): one shows its user a code, the user enters it here, and
//! the appliance polls until the user has decided.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::browser::{Browser, Redirect};
use super::check;
use super::error::UserCodeRefusal;
use super::flow::Flow;
use super::guesses::{Entering, Guesses};
use super::page_request::seal_user_code;
use super::persist;
use super::sessions::Sessions;
use super::steps::PAGE_TIME_TO_LIVE;
use super::user_code;
use crate::base::Base;
use crate::ids::{AuthorizationId, DeviceCodeId};
use crate::oauth::clients::{Client, Clients, Credentials};
use crate::oauth::error::OAuthError;
use crate::oauth::issuer::Issuer;
use crate::oauth::model::{
    AnswerTo, Authorization, AuthorizationState, DeviceCode, DeviceCodeState, Hints,
};
use crate::secret::{OpaqueToken, SecretString, TokenHash, TokenKind};
use crate::settings::GrantType;

/// How long an appliance waits for its user.
const TIME_TO_LIVE: Duration = Duration::from_secs(600);
/// How many user codes are tried, where one is taken.
const CODES_MAX: usize = 8;

/// What an appliance and its user are told (RFC 8628 §3.2).
#[derive(Clone, Debug)]
pub struct ApplianceAuthorization {
    /// The appliance polls with it.
    pub device_code: SecretString,
    /// The appliance shows it: `XXXX-XXXX`.
    pub user_code: String,
    /// Where the user goes.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: String,
    pub expires_in: Duration,
    /// How long to wait between two polls, in seconds.
    pub interval: i32,
}

/// Lets appliances wait for their users.
pub struct Appliances {
    pub(super) base: Base,
    pub(super) issuer: Issuer,
    pub(super) clients: Arc<Clients>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) flow: Arc<Flow>,
    pub(super) guesses: Mutex<Guesses>,
}

impl Appliances {
    /// Lets an appliance wait for its user.
    pub async fn authorize(
        &self,
        credentials: &Credentials,
        scope: Option<&str>,
        resource: Option<&str>,
    ) -> Result<ApplianceAuthorization, OAuthError> {
        let authenticated = self.clients.authenticate(credentials).await?;
        // Recorded before anything is refused: whatever comes of the request, its assertion must
        // not serve a second one.
        self.clients.use_up(authenticated.used).await?;

        let client = authenticated.client;
        if !client.may_use(GrantType::DeviceCode) {
            return Err(OAuthError::UnauthorizedClient(
                "The client is not configured for device codes.",
            ));
        }

        let settings = self.base.settings.load();
        let (scope, resource_server) = check::user_scope(&settings, &client, scope, resource)?;
        let now = self.base.clock.now();
        let code = DeviceCode {
            id: DeviceCodeId::new(now, self.base.random.as_ref()),
            client_id: client.id().to_owned(),
            scope,
            resource_server: resource_server.map(|server| server.id.clone()),
            state: DeviceCodeState::Waiting,
            interval: DeviceCode::INTERVAL,
            polled_at: None,
            created_at: now,
            expires_at: now.after(TIME_TO_LIVE),
        };

        let (device_code, user_code) = self.insert(&code).await?;

        let user_code = user_code::shown(user_code.expose());
        let verification_uri = self.issuer.at("/oauth/device");

        Ok(ApplianceAuthorization {
            device_code,
            // For a QR code, so that nothing has to be typed (RFC 8628 §3.3.1).
            verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
            user_code,
            verification_uri,
            expires_in: TIME_TO_LIVE,
            interval: code.interval_seconds(),
        })
    }

    /// Stores a code; gives the texts of its device code, and of a user code that no other has.
    async fn insert(&self, code: &DeviceCode) -> Result<(SecretString, SecretString), OAuthError> {
        let Base {
            store,
            keyring,
            random,
            ..
        } = &self.base;

        let device_code = OpaqueToken::new(keyring, TokenKind::DeviceCode, random.as_ref());

        // User codes are short: another appliance may show the same one.
        for _ in 0..CODES_MAX {
            let user_code = user_code::fresh(random.as_ref());
            let hash = self.user_code_hash(user_code.expose());
            if persist::insert_device_code(store, code, device_code.hash, hash).await? {
                return Ok((device_code.text, user_code));
            }
        }

        Err(OAuthError::Unavailable)
    }

    /// A user has entered a code, in a browser at this address. Gives where the browser goes next.
    pub async fn enter_user_code(
        &self,
        entry: &str,
        browser: &Browser,
        source: IpAddr,
    ) -> Result<Redirect, UserCodeRefusal> {
        // What cannot be a code is no guess.
        let code = user_code::typed(entry).ok_or(UserCodeRefusal::Unknown)?;

        // Entries are counted before they are looked up, so that parallel guesses count too.
        let now = self.base.clock.now();
        let who = Entering::new(source, self.sessions.recognised(browser));
        let entered = self.guesses.lock().enter(&who, now);
        entered.map_err(|retry_after| UserCodeRefusal::TooMany { retry_after })?;

        let hash = self.user_code_hash(&code);
        let entered = code;
        let code = persist::find_device_code_by_user_code(&self.base.store, hash).await?;
        let code = code
            // A code that was answered is as unknown as one that never was: a guess must not find
            // out more.
            .filter(|code| code.state == DeviceCodeState::Waiting && now < code.expires_at)
            .ok_or(UserCodeRefusal::Unknown)?;

        // Only wrong entries count, so that the users of many appliances do not lock each other
        // out.
        self.guesses.lock().was_right(&who);

        let client = self.clients.find(&code.client_id).await?;
        let client = client.ok_or(UserCodeRefusal::Unknown)?;
        self.begin(&client, code, &entered, browser).await
    }

    /// The user is asked at least once, on a page that names the client: on the login page, where
    /// nobody asks for consent.
    async fn begin(
        &self,
        client: &Client,
        code: DeviceCode,
        entered: &str,
        browser: &Browser,
    ) -> Result<Redirect, UserCodeRefusal> {
        let (recognition, cookie) = self.sessions.recognition(browser);
        let authorization = self.new_authorization(code, entered, recognition);

        let remembered = if client.skips_consent() {
            None
        } else {
            let hints = &authorization.hints;
            self.sessions.find_login(browser, hints).await?
        };

        if let Some(session) = remembered {
            let flow = &self.flow;
            let needs_consent = flow
                .needs_consent(client, &authorization, &session.login)
                .await?;
            let begun = flow
                .begin_with_login(client, authorization.clone(), session, needs_consent)
                .await?;

            // Otherwise the remembered user is disabled, and somebody else may log in.
            if let Some(redirect) = begun {
                return Ok(Redirect { cookie, ..redirect });
            }
        }

        let redirect = self.flow.begin(authorization).await?;
        Ok(Redirect { cookie, ..redirect })
    }

    fn new_authorization(
        &self,
        code: DeviceCode,
        entered: &str,
        recognition: String,
    ) -> Authorization {
        let (now, random) = (self.base.clock.now(), self.base.random.as_ref());

        let id = AuthorizationId::new(now, random);
        let user_code = seal_user_code(&self.base.keyring, id, entered, random);

        Authorization {
            id,
            client_id: code.client_id,
            scope: code.scope,
            resource_server: code.resource_server,
            hints: Hints {
                browser: Some(recognition),
                user_code: Some(user_code),
                ..Hints::default()
            },
            answer_to: AnswerTo::Appliance(code.id),
            challenge: None,
            state: AuthorizationState::WaitingForLogin,
            created_at: now,
            // A page that outlives the code would let the user decide for nobody.
            expires_at: code.expires_at.min(now.after(PAGE_TIME_TO_LIVE)),
        }
    }

    fn user_code_hash(&self, code: &str) -> TokenHash {
        self.base.keyring.token_hash(TokenKind::UserCode, code)
    }
}
