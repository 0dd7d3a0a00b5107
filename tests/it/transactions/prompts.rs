//! How often a user is prompted on a device.

use std::time::Duration;

use countersign::settings::MobileAuthentication;
use futures_util::future::join_all;

use super::START;
use crate::support::app::{OTHER_WEBSITE, TestApp, WEBSITE};
use crate::support::databases::{Database, on_both_databases};

on_both_databases!(
    prompts_are_limited_in_any_window,
    resends_count_for_as_long_as_starts,
    a_website_does_not_use_up_the_budget_of_another,
    servers_count_together,
    what_is_refused_costs_no_prompt,
);

fn transaction(id: &str) -> String {
    format!("/oauth/api/v4/authenticate/transaction/{id}")
}

const PUSH: [(&str, &str); 2] = [("type", "push"), ("user_id", "alice")];

async fn limited(database: Database) -> TestApp {
    TestApp::start_with(database, |settings, _| {
        settings.mobile_authentication = MobileAuthentication {
            prompts_per_5_minutes_max: 2,
            prompts_per_hour_max: 3,
            result_retention_seconds: 60,
            ..MobileAuthentication::default()
        }
        .into();
    })
    .await
}

/// Asks for a push; the status of the answer and its `Retry-After`.
async fn ask(app: &TestApp, website: (&str, &str), path: &str) -> (u16, Option<String>) {
    let asking = app
        .request("POST", path)
        .basic_auth(website.0, Some(website.1));
    let asking = if path == START {
        asking.form(&PUSH)
    } else {
        asking
    };
    let response = asking.send().await.unwrap();

    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), retry_after)
}

async fn start(app: &TestApp) -> u16 {
    ask(app, WEBSITE, START).await.0
}

async fn prompts_are_limited_in_any_window(database: Database) {
    let app = limited(database).await;
    let person = app.pushed("alice").await;

    assert_eq!(start(&app).await, 200);
    assert_eq!(start(&app).await, 200);
    assert_eq!(
        ask(&app, WEBSITE, START).await,
        (429, Some("300".to_owned()))
    );

    // Neither a restart nor time allows more prompts.
    let app = app.restart().await;
    assert_eq!(start(&app).await, 429);

    app.clock.advance(Duration::from_secs(301));
    assert_eq!(start(&app).await, 200);
    assert_eq!(start(&app).await, 429);
    assert_eq!(app.push.accepted().len(), 3);

    drop(person);
}

async fn resends_count_for_as_long_as_starts(database: Database) {
    let app = limited(database).await;
    let _person = app.pushed("alice").await;

    let started = app.start_ok(&PUSH).await;
    let path = transaction(started["transaction_id"].as_str().unwrap());
    let resend = format!("{path}/resend");
    assert_eq!(ask(&app, WEBSITE, &resend).await.0, 204);
    assert_eq!(start(&app).await, 429);

    let cancelled = app.request("DELETE", &path);
    let cancelled = cancelled.basic_auth(WEBSITE.0, Some(WEBSITE.1));
    assert_eq!(cancelled.send().await.unwrap().status(), 204);

    // The device's channel is idle by now, and the transaction's result is deleted.
    for _ in 0..4 {
        app.pass(Duration::from_secs(61)).await;
        assert_eq!(start(&app).await, 429);
    }
    assert_eq!(app.get(&path).send().await.unwrap().status(), 404);

    app.pass(Duration::from_secs(61)).await;
    assert_eq!(start(&app).await, 200);
    // Three within the hour.
    assert_eq!(start(&app).await, 429);
}

async fn a_website_does_not_use_up_the_budget_of_another(database: Database) {
    let app = limited(database).await;
    let _person = app.pushed("alice").await;
    let _other_user = app.pushed("bob").await;

    for website in [WEBSITE, OTHER_WEBSITE] {
        assert_eq!(ask(&app, website, START).await.0, 200);
        assert_eq!(ask(&app, website, START).await.0, 200);
        assert_eq!(ask(&app, website, START).await.0, 429);
    }
}

async fn servers_count_together(database: Database) {
    let app = limited(database).await;
    let other = app.beside().await;
    let _person = app.pushed("alice").await;

    let starts = (0..10).map(|number| start(if number % 2 == 0 { &app } else { &other }));
    let mut statuses = join_all(starts).await;

    statuses.sort_unstable();
    assert_eq!(statuses, [[200; 2].as_slice(), &[429; 8]].concat());
}

async fn what_is_refused_costs_no_prompt(database: Database) {
    let app = limited(database).await;
    let _person = app.pushed("alice").await;

    let started = app.start_ok(&PUSH).await;
    let path = transaction(started["transaction_id"].as_str().unwrap());
    app.request("DELETE", &path)
        .basic_auth(WEBSITE.0, Some(WEBSITE.1))
        .send()
        .await
        .unwrap();

    // It has ended: nothing is sent again.
    let resend = format!("{path}/resend");
    assert_eq!(ask(&app, WEBSITE, &resend).await.0, 409);
    assert_eq!(ask(&app, OTHER_WEBSITE, &resend).await.0, 404);

    assert_eq!(start(&app).await, 200);
    assert_eq!(start(&app).await, 429);
}
