//! Refreshing: with nothing, with a PIN, with what stands in for a fingerprint; and when a thief
//! does it too.

use std::sync::Arc;
use std::time::Duration;

use countersign::phone::{Phone, PhoneError, Proof};
use countersign::settings::{Application, Settings};

use crate::support::app::TestApp;
use crate::support::databases::{Database, on_both_databases};
use crate::support::people::Person;
use crate::support::temporary::TemporaryDirectory;

on_both_databases!(
    without_a_pin_the_phone_refreshes_by_itself,
    with_a_pin_the_user_has_to_be_there,
    a_wrong_pin_is_told_with_what_is_left,
    the_last_wrong_pin_makes_the_phone_forget,
    a_pin_can_be_changed,
    a_change_whose_answer_was_lost_can_be_made_again,
    a_wrong_old_pin_counts,
    a_forgotten_pin_is_set_anew_after_logging_in,
    a_pin_is_set_soon_after_logging_in_or_not_at_all,
    a_fingerprint_refreshes_without_the_pin,
    an_answer_that_was_lost_is_asked_for_again,
    a_thief_with_a_copy_of_the_phone_is_noticed,
    two_refreshes_at_once_are_no_thieves,
    without_enrolment_there_is_no_pin,
);

/// Longer than an access token is good.
const AFTER_ACCESS: Duration = Duration::from_secs(3600);

/// The bank, changed.
fn bank(settings: &mut Settings, change: impl FnOnce(&mut Application)) {
    let bank = settings
        .applications
        .get_mut(&"bank".parse().unwrap())
        .unwrap();
    change(Arc::make_mut(bank));
}

async fn app(database: Database) -> TestApp {
    TestApp::start_with(database, |settings, _| {
        bank(settings, |bank| {
            (
                bank.pin.enabled,
                bank.pin.max_attempts,
                bank.fingerprint.enabled,
            ) = (true, 3, true);
            bank.custom_authenticators = ["face".to_owned()].into_iter().collect();
        });
    })
    .await
}

async fn app_without_pins(database: Database) -> TestApp {
    TestApp::start_with(database, |settings, _| {
        bank(settings, |bank| bank.pin.enabled = false)
    })
    .await
}

/// A user who has the PIN 1234.
async fn with_pin(app: &TestApp) -> Person {
    let person = app.enrolled("alice").await;
    person.phone.set_pin(&person.user, "1234").await.unwrap();
    person
}

/// All that is in the phone's file, in another hand.
fn copy(app: &TestApp, phone: &Phone) -> Phone {
    let folder = TemporaryDirectory::new();
    let file = folder.path().join("phone.json");
    phone.save(&file).unwrap();
    Phone::load_over(&file, app.connection()).unwrap()
}

/// Whether the phone's access token of the user is good at the server.
async fn is_let_in(Person { phone, user }: &Person) -> bool {
    phone.enrolment(user).await.is_ok()
}

async fn without_a_pin_the_phone_refreshes_by_itself(database: Database) {
    let app = app_without_pins(database).await;
    let person = app.enrolled("alice").await;
    assert_eq!(person.phone.refresh_tokens(&person.user), ["default"]);

    let first = person.phone.user_token(&person.user).await.unwrap();
    assert_eq!(
        person.phone.user_token(&person.user).await.unwrap(),
        first,
        "the one at hand is good"
    );

    for _ in 0..3 {
        app.clock.advance(AFTER_ACCESS);
        assert_ne!(person.phone.user_token(&person.user).await.unwrap(), first);
        assert!(is_let_in(&person).await);
    }

    let refused = person.phone.refresh(&person.user, Proof::Pin("1234")).await;
    assert!(matches!(refused, Err(PhoneError::NoRefreshToken(name)) if name == "pin"));
}

async fn with_a_pin_the_user_has_to_be_there(database: Database) {
    let app = app(database).await;
    let person = with_pin(&app).await;
    assert_eq!(person.phone.refresh_tokens(&person.user), ["pin"]);
    assert!(is_let_in(&person).await);

    app.clock.advance(AFTER_ACCESS);
    let needed = person.phone.user_token(&person.user).await;
    assert!(matches!(needed, Err(PhoneError::AuthenticatorNeeded(_))));

    for _ in 0..3 {
        person
            .phone
            .refresh(&person.user, Proof::Pin("1234"))
            .await
            .unwrap();
        assert!(is_let_in(&person).await);
    }

    let copied = copy(&app, &person.phone);
    copied
        .refresh(&person.user, Proof::Pin("1234"))
        .await
        .expect("the file has all it takes but the PIN");
}

async fn a_wrong_pin_is_told_with_what_is_left(database: Database) {
    let app = app(database).await;
    let Person { phone, user } = with_pin(&app).await;
    for left in [2, 1] {
        let refused = phone.refresh(&user, Proof::Pin("4321")).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.attempts_left()),
            (Some("invalid_proof"), Some(left))
        );
    }

    phone.refresh(&user, Proof::Pin("1234")).await.unwrap();
    let refused = phone.refresh(&user, Proof::Pin("")).await.unwrap_err();
    assert_eq!(
        refused.attempts_left(),
        Some(2),
        "the right one made them forgotten"
    );
}

async fn the_last_wrong_pin_makes_the_phone_forget(database: Database) {
    let app = app(database).await;
    let Person { phone, user } = with_pin(&app).await;
    let mut last = None;
    for _ in 0..3 {
        last = phone.refresh(&user, Proof::Pin("4321")).await.err();
    }

    assert_eq!(last.unwrap().code(), Some("user_disconnected"));
    assert!(phone.users().is_empty());
    assert!(matches!(
        phone.user_token(&user).await,
        Err(PhoneError::NotLoggedIn(_))
    ));

    app.enrol(&phone, &user).await;
    phone.set_pin(&user, "4321").await.unwrap();
    phone.refresh(&user, Proof::Pin("4321")).await.unwrap();
}

async fn a_pin_can_be_changed(database: Database) {
    let app = app(database).await;
    let Person { phone, user } = with_pin(&app).await;
    assert!(matches!(
        phone.set_pin(&user, "5678").await,
        Err(PhoneError::AuthenticatorNeeded(_))
    ));

    phone.change_pin(&user, "1234", "5678").await.unwrap();

    assert_eq!(
        phone
            .refresh(&user, Proof::Pin("1234"))
            .await
            .unwrap_err()
            .code(),
        Some("invalid_proof")
    );

    phone.refresh(&user, Proof::Pin("5678")).await.unwrap();
    app.clock.advance(AFTER_ACCESS);
    phone
        .change_pin(&user, "5678", "1234")
        .await
        .expect("the old PIN gets a new access token");

    phone.refresh(&user, Proof::Pin("1234")).await.unwrap();
}

async fn a_change_whose_answer_was_lost_can_be_made_again(database: Database) {
    let app = app(database).await;
    let Person { phone, user } = with_pin(&app).await;
    let unaware = copy(&app, &phone);
    phone.change_pin(&user, "1234", "5678").await.unwrap();
    unaware.change_pin(&user, "1234", "5678").await.unwrap();
    let refused = unaware
        .refresh(&user, Proof::Pin("1234"))
        .await
        .unwrap_err();
    assert_eq!(refused.attempts_left(), Some(2), "the first wrong one");

    unaware.refresh(&user, Proof::Pin("5678")).await.unwrap();
}

async fn a_wrong_old_pin_counts(database: Database) {
    let app = app(database).await;
    let Person { phone, user } = with_pin(&app).await;
    let refused = phone.change_pin(&user, "4321", "5678").await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.attempts_left()),
        (Some("invalid_proof"), Some(2))
    );

    let refused = phone.refresh(&user, Proof::Pin("4321")).await.unwrap_err();
    assert_eq!(refused.attempts_left(), Some(1), "both count together");

    let refused = phone.change_pin(&user, "4321", "5678").await.unwrap_err();
    assert_eq!(refused.code(), Some("user_disconnected"));
    assert!(phone.users().is_empty());
}

async fn a_forgotten_pin_is_set_anew_after_logging_in(database: Database) {
    let app = app(database).await;
    let Person { phone, user } = with_pin(&app).await;
    let thief = copy(&app, &phone);
    app.log_in(&phone, &user).await;
    phone.set_pin(&user, "5678").await.unwrap();

    assert_eq!(phone.refresh_tokens(&user), ["pin"]);

    phone.refresh(&user, Proof::Pin("5678")).await.unwrap();
    let refused = thief.refresh(&user, Proof::Pin("1234")).await.unwrap_err();
    assert_eq!(
        refused.code(),
        Some("invalid_grant"),
        "the token of the PIN before is gone"
    );
}

async fn a_pin_is_set_soon_after_logging_in_or_not_at_all(database: Database) {
    let app = app(database).await;
    let Person { phone, user } = app.enrolled("alice").await;
    app.clock.advance(AFTER_ACCESS);

    assert!(matches!(
        phone.set_pin(&user, "1234").await,
        Err(PhoneError::NotLoggedIn(_) | PhoneError::AuthenticatorNeeded(_))
    ));
    assert!(matches!(
        phone.set_pin(&user, "1234").await,
        Err(PhoneError::NotLoggedIn(_))
    ));

    app.log_in(&phone, &user).await;
    phone.set_pin(&user, "1234").await.unwrap();
}

async fn a_fingerprint_refreshes_without_the_pin(database: Database) {
    let app = app(database).await;
    let Person { phone, user } = with_pin(&app).await;
    phone
        .set_fingerprint(&user, Proof::Pin("1234"))
        .await
        .unwrap();

    phone
        .set_custom(&user, "face", Proof::Fingerprint)
        .await
        .unwrap();

    assert_eq!(
        phone.refresh_tokens(&user),
        ["custom:face", "fingerprint", "pin"]
    );

    for proof in [
        Proof::Fingerprint,
        Proof::Custom("face"),
        Proof::Pin("1234"),
        Proof::Fingerprint,
    ] {
        phone.refresh(&user, proof).await.unwrap();
    }

    phone
        .remove_authenticator(&user, "fingerprint")
        .await
        .unwrap();

    assert_eq!(phone.refresh_tokens(&user), ["custom:face", "pin"]);

    phone.end_enrolment(&user).await.unwrap();

    assert!(phone.refresh_tokens(&user).is_empty());
}

async fn an_answer_that_was_lost_is_asked_for_again(database: Database) {
    let app = app(database).await;
    let person = with_pin(&app).await;
    let before = copy(&app, &person.phone);

    person
        .phone
        .refresh(&person.user, Proof::Pin("1234"))
        .await
        .unwrap();

    before
        .refresh(&person.user, Proof::Pin("1234"))
        .await
        .expect("within the moment of grace");

    before
        .refresh(&person.user, Proof::Pin("1234"))
        .await
        .expect("the same successor");
}

async fn a_thief_with_a_copy_of_the_phone_is_noticed(database: Database) {
    let app = app(database).await;
    let person = with_pin(&app).await;
    let thief = copy(&app, &person.phone);

    for _ in 0..2 {
        person
            .phone
            .refresh(&person.user, Proof::Pin("1234"))
            .await
            .unwrap();
    }

    let refused = thief
        .refresh(&person.user, Proof::Pin("0000"))
        .await
        .unwrap_err();
    assert_eq!(
        refused.code(),
        Some("invalid_grant"),
        "the token is looked at before the PIN"
    );
    assert!(!is_let_in(&person).await, "and takes all with it");

    let refused = person
        .phone
        .refresh(&person.user, Proof::Pin("1234"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("invalid_grant"));
    assert!(person.phone.refresh_tokens(&person.user).is_empty());

    app.log_in(&person.phone, &person.user).await;

    assert!(is_let_in(&person).await);
}

async fn two_refreshes_at_once_are_no_thieves(database: Database) {
    let app = app_without_pins(database).await;
    let Person { phone, user } = app.enrolled("alice").await;
    for _ in 0..3 {
        app.clock.advance(AFTER_ACCESS);
        let (left, right) = tokio::join!(phone.user_token(&user), phone.user_token(&user));
        assert_eq!(
            left.unwrap(),
            right.unwrap(),
            "the second waited for the first"
        );

        let (left, right) = tokio::join!(
            phone.refresh(&user, Proof::None),
            phone.refresh(&user, Proof::None)
        );
        assert_ne!(left.unwrap(), right.unwrap());
    }
}

async fn without_enrolment_there_is_no_pin(database: Database) {
    let app = app(database).await;
    let (phone, user) = (app.phone().await, "alice".parse().unwrap());
    assert!(matches!(
        phone.set_pin(&user, "1234").await,
        Err(PhoneError::NotLoggedIn(_))
    ));

    app.log_in(&phone, &user).await;

    assert_eq!(
        phone.set_pin(&user, "1234").await.unwrap_err().code(),
        Some("keys_not_enrolled")
    );

    phone.enrol(&user).await.unwrap();
    phone.set_pin(&user, "1234").await.unwrap();
}
