//! A disabled user is refused at every door, and let in again when enabled.
//!
//! The doors stand in one table, and a user is brought before each of them: prepared while all is
//! well, then disabled, then enabled. A door that is added to the server belongs into the table.

use std::time::Duration;

use countersign::ids::UserId;
use countersign::phone::{AnswerClaims, ApiLoginPage, Decision, FetchedTransaction};
use countersign::secret::SecretString;

use crate::support::app::{ADMINISTRATOR, LOGIN_PAGE, TestApp};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::send;
use crate::support::people::Person;
use crate::transactions::{PHONE_NUMBER, START};

on_both_databases!(
    a_disabled_user_is_refused_at_every_door,
    what_was_sent_before_is_worth_nothing,
    nobody_is_asked_who_is_disabled,
    others_are_not_concerned,
);

/// A way in for a user.
#[derive(Clone, Copy, Debug)]
enum Door {
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

const DOORS: [Door; 11] = [
    Door::StartPush,
    Door::StartSms,
    Door::ResendSms,
    Door::VerifySms,
    Door::ResendPush,
    Door::List,
    Door::Fetch,
    Door::Answer,
    Door::ClaimOtp,
    Door::UserToken,
    Door::LogIn,
];

/// What a user brings to the doors, made while all was well.
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

    /// Whether the door lets the user in.
    async fn enter(&self, app: &TestApp, door: Door) -> bool {
        let (user, phone) = (self.person.user.as_str(), &self.person.phone);
        match door {
            Door::StartPush => app.starts(&push_to(user)).await,
            Door::StartSms => app.starts(&sms_to(user)).await,
            Door::VerifySms => match app.verify(user, &self.sms.0, &self.sms.1).await {
                (200, _) => true,
                (404, code) if code == "3004" => false,
                other => panic!("{other:?}"),
            },
            Door::ResendSms => {
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
            Door::ResendPush => {
                let path = format!("{}/resend", super::transaction(&self.push));
                match send(app.post_form(&path, &[])).await.numbered() {
                    (204, _) => true,
                    (404, "1001") => false,
                    other => panic!("{other:?}"),
                }
            }
            Door::List => !phone.pending(Duration::ZERO).await.unwrap().is_empty(),
            Door::Fetch => is_let_in(phone.fetch(self.push.parse().unwrap()).await),
            Door::Answer => {
                // A wrong one, so that there is something to answer afterwards.
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
            Door::ClaimOtp => {
                let profile = phone.profile_id(&self.person.user).unwrap();
                is_let_in(phone.scan_otp(&self.one_time_password, profile).await)
            }
            Door::UserToken => {
                let request = app
                    .request("GET", "/device/v1/enrolment")
                    .bearer_auth(self.user_token.expose());
                match send(request).await.named() {
                    (200, _) => true,
                    (401, "invalid_token") => false,
                    other => panic!("{other:?}"),
                }
            }
            Door::LogIn => {
                let secret = SecretString::new(LOGIN_PAGE.1.to_owned());
                let login_page = ApiLoginPage::new(app.connection(), LOGIN_PAGE.0, secret);
                let other = app.phone().await;
                other
                    .log_in(&login_page, &self.person.user, "bank://login")
                    .await
                    .is_ok()
            }
        }
    }
}

fn is_let_in<T>(result: Result<T, countersign::phone::PhoneError>) -> bool {
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
    /// Whether a transaction is started; if not, with the documented code.
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

async fn a_disabled_user_is_refused_at_every_door(database: Database) {
    let app = TestApp::start(database).await;
    let beside = app.beside().await;
    for door in DOORS {
        let prepared = Prepared::new(&app, app.pushed(&format!("user-of-{door:?}")).await).await;
        app.change_user(&prepared.person.user, "disable").await;
        assert!(!prepared.enter(&app, door).await, "{door:?} is open");
        assert!(
            !prepared.enter(&beside, door).await,
            "{door:?} is open on another node"
        );
        app.change_user(&prepared.person.user, "enable").await;
        // Tokens have ended for good; whoever wants one logs in.
        let stays_closed = matches!(door, Door::UserToken);
        assert_eq!(
            prepared.enter(&app, door).await,
            !stays_closed,
            "{door:?} after enabling"
        );
    }
}

async fn what_was_sent_before_is_worth_nothing(database: Database) {
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
        // None of these counts as an attempt.
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

async fn nobody_is_asked_who_is_disabled(database: Database) {
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

async fn others_are_not_concerned(database: Database) {
    let app = TestApp::start(database).await;
    let (alice, bob) = (app.pushed("alice").await, app.pushed("bob").await);
    app.enrol(&alice.phone, &bob.user).await;
    app.change_user(&bob.user, "disable").await;
    let prepared = Prepared::new(&app, alice).await;
    for door in DOORS {
        assert!(prepared.enter(&app, door).await, "{door:?}");
    }
}
