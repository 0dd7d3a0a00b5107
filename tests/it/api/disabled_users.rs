//! A disabled user is refused everywhere, and admitted again when enabled.
//!
//! One table has all the ways in. For each, a user prepares what it needs, is disabled, and is
//! enabled again. Add every new way in to the table.

use std::time::Duration;

use countersign::ids::UserId;
use countersign::phone::{AnswerClaims, ApiUserAgent, Decision, FetchedTransaction};
use countersign::secret::SecretString;

use crate::support::app::{ADMINISTRATOR, LOGIN_PAGE, TestApp};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::send;
use crate::support::people::Person;
use crate::transactions::{PHONE_NUMBER, START};

on_both_databases!(
    a_disabled_user_is_refused_everywhere,
    what_was_sent_before_is_refused,
    a_disabled_user_is_not_asked,
    other_users_are_not_affected,
);

/// Something that only an enabled user can do.
#[derive(Clone, Copy, Debug)]
enum WayIn {
    StartPush,
    StartSms,
    VerifySms,
    ResendSms,
    ResendPush,
    List,
    Fetch,
    Answer,
    ClaimOtp,
    UserToken,
    LogIn,
}

const WAYS_IN: [WayIn; 11] = [
    WayIn::StartPush,
    WayIn::StartSms,
    WayIn::ResendSms,
    WayIn::VerifySms,
    WayIn::ResendPush,
    WayIn::List,
    WayIn::Fetch,
    WayIn::Answer,
    WayIn::ClaimOtp,
    WayIn::UserToken,
    WayIn::LogIn,
];

/// What a user needs for the ways in, made before the user is disabled.
struct Prepared {
    person: Person,
    sms: (String, String),
    push: String,
    fetched: FetchedTransaction,
    one_time_password: String,
    user_token: SecretString,
}

impl Prepared {
    async fn new(app: &TestApp, person: Person) -> Self {
        let user = person.user.as_str();
        let sms = app.start_sms(user).await;

        let push = app.start_ok(&push_to(user)).await["transaction_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let fetched = person.phone.fetch(push.parse().unwrap()).await.unwrap();

        let one_time_password = app.start_ok(&[("type", "otp")]).await["otp"]
            .as_str()
            .unwrap()
            .to_owned();

        let user_token = person.phone.user_token(&person.user).await.unwrap();

        Self {
            person,
            sms,
            push,
            fetched,
            one_time_password,
            user_token,
        }
    }

    /// Whether the way in admits the user.
    async fn enter(&self, app: &TestApp, way_in: WayIn) -> bool {
        let (user, phone) = (self.person.user.as_str(), &self.person.phone);
        match way_in {
            WayIn::StartPush => app.starts(&push_to(user)).await,
            WayIn::StartSms => app.starts(&sms_to(user)).await,
            WayIn::VerifySms => match app.verify(user, &self.sms.0, &self.sms.1).await {
                (200, _) => true,
                (404, code) if code == "3004" => false,
                other => panic!("{other:?}"),
            },
            WayIn::ResendSms => {
                let path = format!("{START}/{user}/sms/resend");
                match send(app.post_form(&path, &[("transaction_id", &self.sms.0)]))
                    .await
                    .numbered()
                {
                    (204, _) => true,
                    (404, "3004") => false,
                    other => panic!("{other:?}"),
                }
            }
            WayIn::ResendPush => {
                let path = format!("{}/resend", super::transaction(&self.push));
                match send(app.post_form(&path, &[])).await.numbered() {
                    (204, _) => true,
                    (404, "1001") => false,
                    other => panic!("{other:?}"),
                }
            }
            WayIn::List => !phone.pending(Duration::ZERO).await.unwrap().is_empty(),
            WayIn::Fetch => is_admitted(phone.fetch(self.push.parse().unwrap()).await),
            WayIn::Answer => {
                // A wrong answer, so that the transaction stays pending.
                let id = self.push.parse().unwrap();
                let claims = AnswerClaims::new(id, Decision::Accept, "stale", app.clock.now());
                match phone
                    .send_answer(id, "device", &claims.sign(phone.key()).unwrap())
                    .await
                    .unwrap_err()
                    .code()
                {
                    Some("stale_digest") => true,
                    Some("not_found") => false,
                    other => panic!("{other:?}"),
                }
            }
            WayIn::ClaimOtp => {
                let profile = phone.profile_id(&self.person.user).unwrap();
                is_admitted(phone.scan_otp(&self.one_time_password, profile).await)
            }
            WayIn::UserToken => {
                let request = app
                    .request("GET", "/device/v1/enrolment")
                    .bearer_auth(self.user_token.expose());
                match send(request).await.named() {
                    (200, _) => true,
                    (401, "invalid_token") => false,
                    other => panic!("{other:?}"),
                }
            }
            WayIn::LogIn => {
                let secret = SecretString::new(LOGIN_PAGE.1.to_owned());
                let login_page = ApiUserAgent::new(app.connection(), LOGIN_PAGE.0, secret);
                let other = app.phone().await;

                other
                    .log_in(&login_page, &self.person.user, "bank://login")
                    .await
                    .is_ok()
            }
        }
    }
}

fn is_admitted<T>(result: Result<T, countersign::phone::PhoneError>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) if error.code() == Some("not_found") => false,
        Err(error) => panic!("{error:?}"),
    }
}

fn push_to(user: &str) -> [(&str, &str); 3] {
    [("type", "push"), ("user_id", user), ("message", "Pay?")]
}

fn sms_to(user: &str) -> [(&str, &str); 3] {
    [
        ("type", "sms"),
        ("user_id", user),
        ("phone_number", PHONE_NUMBER),
    ]
}

impl TestApp {
    /// Whether a transaction is started. If not, the error must be 1001.
    async fn starts(&self, form: &[(&str, &str)]) -> bool {
        match send(self.post_form(START, form)).await.numbered() {
            (200, _) => true,
            (404, "1001") => false,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn change_user(&self, user: &UserId, change: &str) {
        let request = self.manage("POST", &format!("/api/v1/users/{user}/{change}"));
        let answer = send(request.basic_auth(ADMINISTRATOR.0, Some(ADMINISTRATOR.1))).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }
}

async fn a_disabled_user_is_refused_everywhere(database: Database) {
    let app = TestApp::start(database).await;
    let beside = app.beside().await;
    for way_in in WAYS_IN {
        let prepared = Prepared::new(&app, app.pushed(&format!("user-of-{way_in:?}")).await).await;
        app.change_user(&prepared.person.user, "disable").await;

        assert!(
            !prepared.enter(&app, way_in).await,
            "{way_in:?} admits the user"
        );

        assert!(
            !prepared.enter(&beside, way_in).await,
            "{way_in:?} admits the user on another node"
        );

        app.change_user(&prepared.person.user, "enable").await;

        // Tokens stay revoked. Who wants a new one logs in.
        let stays_closed = matches!(way_in, WayIn::UserToken);
        assert_eq!(
            prepared.enter(&app, way_in).await,
            !stays_closed,
            "{way_in:?} after enabling"
        );
    }
}

async fn what_was_sent_before_is_refused(database: Database) {
    let app = TestApp::start(database).await;
    let prepared = Prepared::new(&app, app.pushed("alice").await).await;
    app.change_user(&prepared.person.user, "disable").await;

    let refused = prepared
        .person
        .phone
        .accept(&prepared.fetched)
        .await
        .unwrap_err();

    assert_eq!(refused.code(), Some("not_found"));

    for _ in 0..5 {
        // A refused check does not count as an attempt.
        assert_eq!(
            app.verify("alice", &prepared.sms.0, &prepared.sms.1).await,
            (404, "3004".to_owned())
        );
    }

    app.change_user(&prepared.person.user, "enable").await;
    assert_eq!(app.status(&prepared.push).await, "pending");

    assert_eq!(
        prepared
            .person
            .phone
            .accept(&prepared.fetched)
            .await
            .unwrap(),
        "accepted"
    );

    assert_eq!(
        app.verify("alice", &prepared.sms.0, &prepared.sms.1)
            .await
            .0,
        200
    );
}

async fn a_disabled_user_is_not_asked(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.pushed("alice").await;
    app.change_user(&person.user, "disable").await;

    for form in [push_to("alice"), sms_to("alice")] {
        assert!(!app.starts(&form).await);
    }

    assert_eq!((app.push.attempts(), app.sms.attempts()), (0, 0));
    let available = send(app.get(&format!("{START}/alice/enabled"))).await;
    assert_eq!(
        (available.status, available.json),
        (200, serde_json::json!([]))
    );
}

async fn other_users_are_not_affected(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, bob) = (app.pushed("alice").await, app.pushed("bob").await);
    app.enrol(&alice.phone, &bob.user).await;
    app.change_user(&bob.user, "disable").await;
    let prepared = Prepared::new(&app, alice).await;

    for way_in in WAYS_IN {
        assert!(prepared.enter(&app, way_in).await, "{way_in:?}");
    }
}
