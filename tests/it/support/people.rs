//! Users with phones.

use countersign::ids::UserId;
use countersign::phone::{ApiUserAgent, Connection, Phone, PhoneProfile, PushTransport};
use countersign::secret::SecretString;

use super::app::{LOGIN_PAGE, TestApp};
use super::temporary::TemporaryDirectory;

/// A user with a phone.
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) phone: Phone,
}

impl Person {
    /// The same phone, which talks to another server of the same database.
    pub(crate) fn phone_at(&self, other: &TestApp) -> Phone {
        let folder = TemporaryDirectory::new();
        let file = folder.path().join("phone");
        self.phone.save(&file).unwrap();
        Phone::load_over(&file, other.connection()).unwrap()
    }
}

impl TestApp {
    pub(crate) fn connection(&self) -> Connection {
        Connection::new(&self.public_url.parse().unwrap())
            .unwrap()
            .with_clock(self.clock.clone())
    }

    /// A registered phone without users.
    pub(crate) async fn phone(&self) -> Phone {
        let profile = PhoneProfile::new("bank", "1.0", "android").named("A phone");
        Phone::register(self.connection(), &profile).await.unwrap()
    }

    /// A user who is logged in and enrolled, but not for push.
    pub(crate) async fn enrolled(&self, user: &str) -> Person {
        let person = Person {
            user: UserId::new(user).unwrap(),
            phone: self.phone().await,
        };
        self.enrol(&person.phone, &person.user).await;
        person
    }

    pub(crate) async fn enrol(&self, phone: &Phone, user: &UserId) {
        self.log_in(phone, user).await;
        phone.enrol(user).await.unwrap();
    }

    pub(crate) async fn log_in(&self, phone: &Phone, user: &UserId) {
        let login_page = ApiUserAgent::new(
            self.connection(),
            LOGIN_PAGE.0,
            SecretString::new(LOGIN_PAGE.1.to_owned()),
        );

        phone
            .log_in(&login_page, user, "bank://login")
            .await
            .unwrap();
    }

    /// A user who is enrolled, also for push by FCM.
    pub(crate) async fn pushed(&self, user: &str) -> Person {
        let person = self.enrolled(user).await;
        let token = SecretString::new(format!("fcm-token-of-{user}"));
        person
            .phone
            .enrol_push(&person.user, PushTransport::Fcm(token))
            .await
            .unwrap();

        person
    }
}
