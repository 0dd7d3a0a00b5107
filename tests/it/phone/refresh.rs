//! Refreshing without an authenticator, with a PIN, and with a fingerprint, and the detection of
//! copied phones.

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
    with_a_pin_refreshing_needs_the_pin,
    a_wrong_pin_is_refused_with_the_attempts_left,
    after_the_last_wrong_pin_the_phone_forgets_the_user,
    a_pin_can_be_changed,
    a_pin_change_can_be_repeated_if_the_response_was_lost,
    a_wrong_old_pin_counts_as_an_attempt,
    a_forgotten_pin_can_be_replaced_after_a_log_in,
    a_pin_must_be_set_soon_after_the_log_in,
    a_fingerprint_refreshes_without_the_pin,
    a_lost_response_can_be_requested_again,
    a_copy_of_the_phone_is_detected,
    concurrent_refreshes_are_not_taken_for_reuse,
    a_pin_requires_enrolled_keys,
);

/// Longer than the lifetime of access tokens.
const AFTER_EXPIRY: Duration = Duration::from_secs(3600);

/// Changes the application `bank`.
fn configure_bank(settings: &mut Settings, change: impl FnOnce(&mut Application)) {
    let bank = settings
        .applications
        .get_mut(&"bank".parse().unwrap())
        .unwrap();
    change(Arc::make_mut(bank));
}

async fn app(database: Database) -> TestApp {
    TestApp::start_with(database, |settings, _| {
        configure_bank(settings, |bank| {
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
        configure_bank(settings, |bank| bank.pin.enabled = false);
    })
    .await
}

/// A user who has the PIN 1234.
async fn with_pin(app: &TestApp) -> Person {
    let person = app.enrolled("alice").await;
    person.phone.set_pin(&person.user, "1234").await.unwrap();
    person
}

/// Another phone with a copy of the phone's file.
fn copy(app: &TestApp, phone: &Phone) -> Phone {
    let folder = TemporaryDirectory::new();
    let file = folder.path().join("phone.json");
    phone.save(&file).unwrap();
    Phone::load_over(&file, app.connection()).unwrap()
}

/// Whether the server accepts the user's access token.
async fn has_valid_token(Person { phone, user }: &Person) -> bool {
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
        "the token is still valid"
    );

    for _ in 0..3 {
        app.clock.advance(AFTER_EXPIRY);
        assert_ne!(person.phone.user_token(&person.user).await.unwrap(), first);
        assert!(has_valid_token(&person).await);
    }

    let refused = person.phone.refresh(&person.user, Proof::Pin("1234")).await;
    assert!(matches!(refused, Err(PhoneError::NoRefreshToken(name)) if name == "pin"));
}

async fn with_a_pin_refreshing_needs_the_pin(database: Database) {
    let app = app(database).await;
    let person = with_pin(&app).await;
    assert_eq!(person.phone.refresh_tokens(&person.user), ["pin"]);
    assert!(has_valid_token(&person).await);

    app.clock.advance(AFTER_EXPIRY);
    let needed = person.phone.user_token(&person.user).await;
    assert!(matches!(needed, Err(PhoneError::AuthenticatorNeeded(_))));

    for _ in 0..3 {
        person
            .phone
            .refresh(&person.user, Proof::Pin("1234"))
            .await
            .unwrap();

        assert!(has_valid_token(&person).await);
    }

    let copied = copy(&app, &person.phone);
    copied
        .refresh(&person.user, Proof::Pin("1234"))
        .await
        .expect("the file contains everything except the PIN");
}

async fn a_wrong_pin_is_refused_with_the_attempts_left(database: Database) {
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
        "the right PIN reset the count"
    );
}

async fn after_the_last_wrong_pin_the_phone_forgets_the_user(database: Database) {
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

    app.clock.advance(AFTER_EXPIRY);

    phone
        .change_pin(&user, "5678", "1234")
        .await
        .expect("the old PIN gets a new access token");

    phone.refresh(&user, Proof::Pin("1234")).await.unwrap();
}

async fn a_pin_change_can_be_repeated_if_the_response_was_lost(database: Database) {
    let app = app(database).await;
    let Person { phone, user } = with_pin(&app).await;
    let unaware = copy(&app, &phone);
    phone.change_pin(&user, "1234", "5678").await.unwrap();

    unaware.change_pin(&user, "1234", "5678").await.unwrap();

    let refused = unaware
        .refresh(&user, Proof::Pin("1234"))
        .await
        .unwrap_err();
    assert_eq!(refused.attempts_left(), Some(2), "the first wrong PIN");
    unaware.refresh(&user, Proof::Pin("5678")).await.unwrap();
}

async fn a_wrong_old_pin_counts_as_an_attempt(database: Database) {
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

async fn a_forgotten_pin_can_be_replaced_after_a_log_in(database: Database) {
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
        "the token of the previous PIN is revoked"
    );
}

async fn a_pin_must_be_set_soon_after_the_log_in(database: Database) {
    let app = app(database).await;
    let Person { phone, user } = app.enrolled("alice").await;
    app.clock.advance(AFTER_EXPIRY);

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

async fn a_lost_response_can_be_requested_again(database: Database) {
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
        .expect("within the grace period");

    before
        .refresh(&person.user, Proof::Pin("1234"))
        .await
        .expect("the same successor");
}

async fn a_copy_of_the_phone_is_detected(database: Database) {
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
        "the token is checked before the PIN"
    );

    assert!(!has_valid_token(&person).await, "all tokens are revoked");

    let refused = person
        .phone
        .refresh(&person.user, Proof::Pin("1234"))
        .await
        .unwrap_err();

    assert_eq!(refused.code(), Some("invalid_grant"));
    assert!(person.phone.refresh_tokens(&person.user).is_empty());

    app.log_in(&person.phone, &person.user).await;
    assert!(has_valid_token(&person).await);
}

async fn concurrent_refreshes_are_not_taken_for_reuse(database: Database) {
    let app = app_without_pins(database).await;
    let Person { phone, user } = app.enrolled("alice").await;
    for _ in 0..3 {
        app.clock.advance(AFTER_EXPIRY);
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

async fn a_pin_requires_enrolled_keys(database: Database) {
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
