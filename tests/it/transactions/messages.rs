//! How many text messages are sent.

use std::time::Duration;

use countersign::settings::MobileAuthentication;
use futures_util::future::join_all;

use super::{START, wrong};
use crate::support::app::{ADMINISTRATOR, OTHER_WEBSITE, TestApp, WEBSITE};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::{Answer, send};

on_both_databases!(
    a_number_gets_no_more_than_its_limit,
    a_user_gets_no_more_at_several_numbers,
    a_website_sends_no_more_and_others_go_on,
    all_together_send_no_more,
    a_message_sent_again_counts,
    servers_count_together,
    wrong_codes_count_across_transactions,
);

/// An app with a limit of three, and no other.
async fn limited(database: Database, limit: impl FnOnce(&mut MobileAuthentication)) -> TestApp {
    TestApp::start_with(database, |settings, _| {
        let mut general = (*settings.mobile_authentication).clone();
        limit(&mut general);
        settings.mobile_authentication = general.into();
    })
    .await
}

async fn start(app: &TestApp, website: (&str, &str), user: &str, number: &str) -> Answer {
    let form = [("type", "sms"), ("user_id", user), ("phone_number", number)];
    let request = app
        .request("POST", START)
        .basic_auth(website.0, Some(website.1));
    send(request.form(&form)).await
}

/// The status, and the number of the error.
fn short(answer: &Answer) -> (u16, Option<String>) {
    let code = answer.json["error_code"].as_str();
    (answer.status, code.map(str::to_owned))
}

fn taken() -> (u16, Option<String>) {
    (200, None)
}

fn refused() -> (u16, Option<String>) {
    (429, Some("3002".to_owned()))
}

const NUMBER: &str = "+15055551234";
const OTHER_NUMBER: &str = "+15055551235";

async fn a_number_gets_no_more_than_its_limit(database: Database) {
    let app = limited(database, |general| general.sms_per_number_per_hour_max = 3).await;
    // The clock stands at the beginning of an hour.
    for user in ["alice", "bob", "carol"] {
        assert_eq!(short(&start(&app, WEBSITE, user, NUMBER).await), taken());
    }
    let too_many = start(&app, OTHER_WEBSITE, "dave", NUMBER).await;
    assert_eq!(short(&too_many), refused());
    assert_eq!(app.sms.accepted().len(), 3, "nothing was sent");
    assert_eq!(
        short(&start(&app, WEBSITE, "dave", OTHER_NUMBER).await),
        taken()
    );

    // What is refused does not count, a restart gives nothing back, and it is told how long to wait.
    let app = app.restart().await;
    let wait: u64 = too_many.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    app.clock.advance(Duration::from_secs(wait - 2));
    assert_eq!(
        short(&start(&app, WEBSITE, "alice", NUMBER).await),
        refused()
    );
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(short(&start(&app, WEBSITE, "alice", NUMBER).await), taken());
}

async fn a_user_gets_no_more_at_several_numbers(database: Database) {
    let app = limited(database, |general| general.sms_per_user_per_hour_max = 3).await;
    for last in 0..3 {
        let number = format!("+1505555000{last}");
        assert_eq!(
            short(&start(&app, WEBSITE, "alice", &number).await),
            taken()
        );
    }
    assert_eq!(
        short(&start(&app, WEBSITE, "alice", NUMBER).await),
        refused()
    );
    assert_eq!(short(&start(&app, WEBSITE, "bob", NUMBER).await), taken());
}

async fn a_website_sends_no_more_and_others_go_on(database: Database) {
    let app = limited(database, |general| {
        general.sms_per_client_per_minute_max = 3;
    })
    .await;
    for user in ["alice", "bob", "carol"] {
        assert_eq!(short(&start(&app, WEBSITE, user, NUMBER).await), taken());
    }
    assert_eq!(
        short(&start(&app, WEBSITE, "dave", NUMBER).await),
        refused()
    );
    assert_eq!(
        short(&start(&app, OTHER_WEBSITE, "dave", NUMBER).await),
        taken()
    );

    // A minute after the window has ended, all of it is free again.
    app.clock.advance(Duration::from_secs(120));
    assert_eq!(short(&start(&app, WEBSITE, "dave", NUMBER).await), taken());
}

async fn all_together_send_no_more(database: Database) {
    let app = limited(database, |general| general.sms_per_minute_max = 3).await;
    for (website, user) in [
        (WEBSITE, "alice"),
        (OTHER_WEBSITE, "bob"),
        (WEBSITE, "carol"),
    ] {
        assert_eq!(short(&start(&app, website, user, NUMBER).await), taken());
    }
    assert_eq!(
        short(&start(&app, OTHER_WEBSITE, "dave", OTHER_NUMBER).await),
        refused()
    );

    // Whatever is no text message goes on.
    let otp = app.post_form(START, &[("type", "otp")]);
    assert_eq!(send(otp).await.status, 200);
}

async fn a_message_sent_again_counts(database: Database) {
    let app = limited(database, |general| general.sms_per_number_per_hour_max = 2).await;
    let first = start(&app, WEBSITE, "alice", NUMBER).await;
    let form = [("transaction_id", first.text("transaction_id"))];
    let again = async || send(app.post_form(&format!("{START}/alice/sms/resend"), &form)).await;

    assert_eq!(again().await.status, 204);
    assert_eq!(short(&start(&app, WEBSITE, "bob", NUMBER).await), refused());
    app.sms.wait_for(2).await;
    assert_eq!(app.sms.accepted().len(), 2);
}

async fn servers_count_together(database: Database) {
    let app = limited(database, |general| general.sms_per_number_per_hour_max = 5).await;
    let other = app.beside().await;

    let starts = (0..20).map(|index| {
        let server = if index % 2 == 0 { &app } else { &other };
        async move {
            start(server, WEBSITE, &format!("user{index}"), NUMBER)
                .await
                .status
        }
    });
    let answers = join_all(starts).await;
    let taken = answers.iter().filter(|status| **status == 200).count();
    assert_eq!(taken, 5, "{answers:?}");
    assert!(
        answers.iter().all(|status| [200, 429].contains(status)),
        "{answers:?}"
    );
}

async fn wrong_codes_count_across_transactions(database: Database) {
    let app = limited(database, |general| general.consecutive_failures_max = 5).await;
    let verify = async |app: &TestApp, user: &str, id: &str, code: &str| {
        let form = [("transaction_id", id), ("sms_code", code)];
        let path = format!("{START}/{user}/sms");
        send(app.post_form(&path, &form)).await.status
    };
    // Starts, types this many wrong codes, and gives the transaction with its right code.
    let guess = async |app: &TestApp, user: &str, sent: usize, wrong_ones: usize| {
        let started = start(app, WEBSITE, user, NUMBER).await;
        let id = started.text("transaction_id").to_owned();
        let code = app.sms.wait_for(sent).await.code;
        for _ in 0..wrong_ones {
            assert_eq!(verify(app, user, &id, &wrong(code.expose())).await, 404);
        }
        (id, code)
    };

    // A right one ends the row of wrong ones.
    let (id, code) = guess(&app, "alice", 1, 2).await;
    assert_eq!(verify(&app, "alice", &id, "abc").await, 404);
    assert_eq!(verify(&app, "alice", &id, code.expose()).await, 200);

    // No start gives new attempts, and no restart.
    guess(&app, "alice", 2, 3).await;
    let app = app.restart().await;
    let (id, code) = guess(&app, "alice", 3, 2).await;
    let no_way = (404, Some("1001".to_owned()));
    assert_eq!(short(&start(&app, WEBSITE, "alice", NUMBER).await), no_way);
    assert_eq!(
        short(&start(&app, OTHER_WEBSITE, "alice", NUMBER).await),
        no_way
    );
    assert_eq!(app.sms.accepted().len(), 3);
    assert_eq!(short(&start(&app, WEBSITE, "bob", NUMBER).await), taken());

    // Whoever has the code may still use it.
    assert_eq!(verify(&app, "alice", &id, code.expose()).await, 200);
    assert_eq!(short(&start(&app, WEBSITE, "alice", NUMBER).await), taken());

    // Or an administrator lets the user go on.
    guess(&app, "carol", 6, 3).await;
    guess(&app, "carol", 7, 2).await;
    assert_eq!(short(&start(&app, WEBSITE, "carol", NUMBER).await), no_way);
    let unlock = app
        .manage("POST", "/api/v1/users/carol/unlock")
        .basic_auth(ADMINISTRATOR.0, Some(ADMINISTRATOR.1));
    assert_eq!(send(unlock).await.status, 204);
    assert_eq!(short(&start(&app, WEBSITE, "carol", NUMBER).await), taken());
}
