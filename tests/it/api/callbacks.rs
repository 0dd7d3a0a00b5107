//! Administrators list and replay callbacks.

use std::sync::Arc;
use std::time::Duration;

use super::{UNKNOWN, started, transaction};
use crate::support::app::{ADMINISTRATOR, TestApp, WEBSITE, callback_endpoint};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::{Answer, send};

on_both_databases!(
    callbacks_are_listed_page_by_page,
    parameters_of_the_list_are_checked
);

/// A URL at which no server listens.
const NOWHERE: &str = "http://127.0.0.1:1/callback";

async fn app(database: Database) -> TestApp {
    TestApp::start_with(database, |settings, _| {
        settings
            .callback_endpoints
            .insert(NOWHERE.to_owned(), Arc::new(callback_endpoint(NOWHERE)));
    })
    .await
}

async fn ask(app: &TestApp, method: &str, path: &str) -> Answer {
    send(
        app.manage(method, path)
            .basic_auth(ADMINISTRATOR.0, Some(ADMINISTRATOR.1)),
    )
    .await
}

async fn callbacks_are_listed_page_by_page(database: Database) {
    let app = app(database).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = started(&app, &[("type", "otp"), ("callback_uri", NOWHERE)]).await;
        let cancelled = send(
            app.request("DELETE", &transaction(&id))
                .basic_auth(WEBSITE.0, Some(WEBSITE.1)),
        )
        .await;

        assert_eq!(cancelled.status, 204);
        ids.push(id);
        app.clock.advance(Duration::from_millis(1));
    }

    let mut listed = Vec::new();
    let mut path = "/api/v1/callbacks?limit=1".to_owned();
    for _ in 0..4 {
        let page = ask(&app, "GET", &path).await;
        assert_eq!(page.status, 200, "{page:?}");
        listed.extend(page.json["callbacks"].as_array().unwrap().clone());

        let Some(cursor) = page.json["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/callbacks?limit=1&cursor={cursor}");
    }

    let of: Vec<&str> = listed
        .iter()
        .map(|callback| callback["transaction_id"].as_str().unwrap())
        .collect();
    assert_eq!(of, ids);

    assert_eq!(
        (&listed[0]["callback_uri"], &listed[0]["state"]),
        (&NOWHERE.into(), &"due".into())
    );

    let id = listed[0]["id"].as_str().unwrap();
    let replay = ask(&app, "POST", &format!("/api/v1/callbacks/{id}/replay")).await;
    assert_eq!(replay.named(), (409, "still_due"));

    assert_eq!(
        ask(&app, "GET", "/api/v1/callbacks?state=due").await.json["callbacks"]
            .as_array()
            .unwrap()
            .len(),
        3
    );

    assert_eq!(
        ask(&app, "GET", "/api/v1/callbacks?state=dead").await.json,
        serde_json::json!({ "callbacks": [] })
    );
}

async fn parameters_of_the_list_are_checked(database: Database) {
    let app = app(database).await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1&limit=1",
        "state=gone",
        "state=due&state=due",
        "cursor=x",
        "cursor=01890000000070008000000000000000",
    ] {
        let refused = ask(&app, "GET", &format!("/api/v1/callbacks?{query}")).await;
        assert_eq!(
            (refused.status, refused.text("code")),
            (400, "invalid_request"),
            "{query}"
        );

        let pointer = refused.json["errors"][0]["pointer"].as_str().unwrap();
        assert_eq!(pointer, format!("/{}", query.split_once('=').unwrap().0));
    }

    assert_eq!(
        ask(&app, "POST", &format!("/api/v1/callbacks/{UNKNOWN}/replay"))
            .await
            .named(),
        (404, "not_found")
    );

    assert_eq!(
        ask(&app, "POST", "/api/v1/callbacks/x/replay")
            .await
            .named(),
        (400, "invalid_request")
    );
}
