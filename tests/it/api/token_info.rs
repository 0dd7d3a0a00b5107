//! Listing tokens over HTTP.

use countersign::store::journal::{Entry, Outcome};
use countersign::store::rows::AccessTokenRow;

use crate::oauth::listing;
use crate::support::app::{LISTER, TestApp};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::send;

on_both_databases!(
    get_and_post_return_the_same_list,
    other_grants_need_post,
    credentials_in_the_url_are_ignored,
    a_list_that_fails_breaks_the_connection,
);

const GRANT: &str = "urn:oa4mp:params:oauth:grant-type:token-info";

async fn access_token(app: &TestApp) -> String {
    let alice = app.enrolled("alice").await;
    alice
        .phone
        .user_token(&alice.user)
        .await
        .unwrap()
        .expose()
        .to_owned()
}

fn get(app: &TestApp, query: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let mut encoder = form_urlencoded::Serializer::new(String::new());
    app.request(
        "GET",
        &format!("/oauth/token?{}", encoder.extend_pairs(query).finish()),
    )
}

async fn get_and_post_return_the_same_list(database: Database) {
    let app = TestApp::start(database).await;
    let token = access_token(&app).await;
    let parameters = [("grant_type", GRANT), ("access_token", token.as_str())];
    let by_get = send(get(&app, &parameters).basic_auth(LISTER.0, Some(LISTER.1))).await;

    let by_post = app
        .request("POST", "/oauth/token")
        .form(&parameters)
        .basic_auth(LISTER.0, Some(LISTER.1));
    let by_post = send(by_post).await;
    assert_eq!(
        (by_get.status, &by_get.json),
        (200, &by_post.json),
        "{by_get:?}"
    );

    assert_eq!(by_get.json["user_uid"], "alice");

    assert_eq!(
        by_get.header("content-type"),
        Some("application/json;charset=UTF-8")
    );

    let refused = send(
        get(&app, &[("grant_type", GRANT), ("access_token", "x")])
            .basic_auth(LISTER.0, Some(LISTER.1)),
    );
    assert_eq!(refused.await.named(), (400, "invalid_grant"));

    let website = crate::support::app::WEBSITE;
    let refused = send(get(&app, &parameters).basic_auth(website.0, Some(website.1))).await;
    assert_eq!(refused.named(), (403, "insufficient_permissions"));
}

async fn other_grants_need_post(database: Database) {
    let app = TestApp::start(database).await;
    let phone = app.phone().await;
    for grant_type in [
        "client_credentials",
        "refresh_token",
        "authorization_code",
        "made-up",
    ] {
        let request =
            get(&app, &[("grant_type", grant_type)]).bearer_auth(phone.client_assertion().unwrap());
        assert_eq!(
            send(request).await.named(),
            (400, "invalid_request"),
            "{grant_type}"
        );
    }

    let nothing = send(get(&app, &[]).basic_auth(LISTER.0, Some(LISTER.1))).await;
    assert_eq!(nothing.named(), (400, "invalid_request"));
}

async fn credentials_in_the_url_are_ignored(database: Database) {
    let app = TestApp::start(database).await;
    let token = access_token(&app).await;
    let query = [
        ("grant_type", GRANT),
        ("access_token", token.as_str()),
        ("client_id", LISTER.0),
        ("client_secret", LISTER.1),
    ];

    assert_eq!(
        send(get(&app, &query)).await.named(),
        (401, "invalid_client")
    );
}

async fn a_list_that_fails_breaks_the_connection(database: Database) {
    let app = TestApp::start(database).await;
    let token = access_token(&app).await;
    listing::insert(&app.app.base.store, "web", None, 1, 600).await;
    let parameters = [("grant_type", GRANT), ("access_token", token.as_str())];
    let whole = send(get(&app, &parameters).basic_auth(LISTER.0, Some(LISTER.1))).await;
    assert_eq!(whole.status, 200);

    let code = whole.json["clients"]
        .as_array()
        .unwrap()
        .iter()
        .find(|client| client["client_id"] == "web")
        .unwrap();

    let grant: uuid::Uuid = code["transactions"][0]["code"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();

    // A malformed row, which is read last.
    let row = AccessTokenRow {
        id: vec![0xFF; 17],
        grant_id: Some(grant.as_bytes().to_vec()),
        client_id: "web".to_owned(),
        user_id: Some("alice".to_owned()),
        expires_at: i64::MAX,
        ..AccessTokenRow::default()
    };

    let entry = Entry {
        inserts: vec![row.into()],
        ..Entry::default()
    };
    assert_eq!(
        app.app.base.store.commit(entry).await.unwrap(),
        Outcome::Committed
    );

    let response = get(&app, &parameters)
        .basic_auth(LISTER.0, Some(LISTER.1))
        .send()
        .await
        .unwrap();

    assert_eq!(response.status(), 200, "the response has begun");
    assert!(response.bytes().await.is_err(), "and is cut short");
}
