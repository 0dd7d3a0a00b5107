//! The authorization endpoint, and the login requests of the login page.

use serde_json::json;

use crate::support::app::{LOGIN_PAGE, TestApp, WEBSITE};
use crate::support::browser::Browser;
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::{Answer, send};

on_both_databases!(
    an_app_is_sent_to_the_login_page,
    an_unknown_redirect_uri_gets_no_redirect,
    a_login_page_reads_a_request_and_answers_it_once,
    an_answer_of_the_login_page_is_checked,
);

async fn authorize(app: &TestApp, query: &str) -> reqwest::Response {
    app.request("GET", &format!("/oauth/authorize?{query}"))
        .send()
        .await
        .unwrap()
}

fn query(client_id: &str) -> String {
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    format!(
        "response_type=code&client_id={client_id}&redirect_uri=bank%3A%2F%2Flogin&state=s\
         &code_challenge={challenge}&code_challenge_method=S256"
    )
}

fn location(response: &reqwest::Response) -> String {
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// Starts a log-in. Returns the browser and the challenge.
async fn begun(app: &TestApp) -> (Browser, String) {
    let phone = app.phone().await;
    let mut browser = app.browser();
    let address = format!("/oauth/authorize?{}", query(phone.device_id().as_str()));
    let challenge = browser.challenge(&address, "login").await;
    (browser, challenge)
}

fn answer(app: &TestApp, method: &str, path: &str) -> reqwest::RequestBuilder {
    app.request(method, &format!("/oauth/api/v1/login-requests/{path}"))
        .basic_auth(LOGIN_PAGE.0, Some(LOGIN_PAGE.1))
}

async fn put(app: &TestApp, path: &str, body: &serde_json::Value) -> Answer {
    send(answer(app, "PUT", path).json(body)).await
}

async fn an_app_is_sent_to_the_login_page(database: Database) {
    let app = TestApp::start(database).await;
    let phone = app.phone().await;
    let right = query(phone.device_id().as_str());
    assert!(
        location(&authorize(&app, &right).await)
            .starts_with("https://portal.example/login?login_challenge=")
    );

    for (part, other, error) in [
        (
            "response_type=code",
            "response_type=token",
            "error=unsupported_response_type",
        ),
        (
            "code_challenge_method=S256",
            "code_challenge_method=plain",
            "error=invalid_request",
        ),
        ("state=s", "state=s&scope=admin", "error=invalid_scope"),
    ] {
        let address = location(&authorize(&app, &right.replace(part, other)).await);
        assert!(
            address.starts_with("bank://login?") && address.contains(error),
            "{address}"
        );

        assert!(address.contains("state=s"), "{address}");
    }
}

async fn an_unknown_redirect_uri_gets_no_redirect(database: Database) {
    let app = TestApp::start(database).await;
    let phone = app.phone().await;
    let right = query(phone.device_id().as_str());
    let wrong = [
        right.replace("bank%3A%2F%2Flogin", "https%3A%2F%2Fevil.example"),
        right.replace("bank%3A%2F%2Flogin", "bank%3A%2F%2Flogin%2F"),
        query("unknown"),
        query(""),
        String::new(),
        format!("{right}&redirect_uri=bank%3A%2F%2Flogin"),
        format!("{right}&client_id=x"),
    ];

    for query in wrong {
        let response = authorize(&app, &query).await;
        assert_eq!(
            (
                response.status().as_u16(),
                response.headers().get("location")
            ),
            (400, None),
            "{query}"
        );
    }
}

async fn a_login_page_reads_a_request_and_answers_it_once(database: Database) {
    let app = TestApp::start(database).await;
    let (mut browser, challenge) = begun(&app).await;
    let told = send(answer(&app, "GET", &challenge)).await;
    assert_eq!(
        (told.status, &told.json["installation"]),
        (
            200,
            &json!({ "name": "A phone", "platform": "android", "application": "Demo Bank" })
        )
    );
    assert_eq!(told.json.get("device"), None);

    let accepted = put(
        &app,
        &format!("{challenge}/accept"),
        &json!({ "subject": "alice", "amr": ["pwd"] }),
    )
    .await;

    let address = browser.go(accepted.text("redirect_to")).await;
    assert!(
        address.starts_with("bank://login?code=") && address.contains("state=s"),
        "{address}"
    );

    for path in ["accept", "reject"] {
        let again = put(
            &app,
            &format!("{challenge}/{path}"),
            &json!({ "subject": "alice" }),
        )
        .await;

        assert_eq!(again.named(), (409, "already_answered"));
    }

    let (mut browser, rejected) = begun(&app).await;
    let answered = put(&app, &format!("{rejected}/reject"), &json!({})).await;
    let address = browser.go(answered.text("redirect_to")).await;
    assert!(
        address.starts_with("bank://login?error=access_denied"),
        "{address}"
    );
}

async fn an_answer_of_the_login_page_is_checked(database: Database) {
    let app = TestApp::start(database).await;
    let (_, challenge) = begun(&app).await;

    for path in ["unknown", "unknown/accept", "unknown/reject"] {
        let method = if path == "unknown" { "GET" } else { "PUT" };
        let request = answer(&app, method, path);
        let request = if method == "PUT" {
            request.json(&json!({ "subject": "alice" }))
        } else {
            request
        };

        assert_eq!(send(request).await.named(), (404, "not_found"), "{path}");
    }

    let long = "x".repeat(300);
    let person = app.enrolled("bob").await;
    let device_id = person.phone.device_id();
    for body in [
        json!({}),
        json!({ "subject": "" }),
        json!({ "subject": 7 }),
        json!({ "subject": long }),
        json!({ "subject": "alice", "amr": "pwd" }),
        json!({ "subject": "alice", "amr": [7] }),
        json!({ "subject": "alice", "amr": [long] }),
        json!({ "subject": "alice", "acr": long }),
        // A token's `sub` would stand for either.
        json!({ "subject": WEBSITE.0 }),
        json!({ "subject": device_id }),
    ] {
        let refused = put(&app, &format!("{challenge}/accept"), &body).await;
        assert_eq!(refused.named(), (400, "invalid_request"), "{body:.60}");
    }

    for body in [
        json!({ "error": "made_up" }),
        json!({ "error_description": "\"" }),
        json!({ "error": 7 }),
    ] {
        let refused = put(&app, &format!("{challenge}/reject"), &body).await;
        assert_eq!(refused.named(), (400, "invalid_request"), "{body}");
    }

    // The request has not been answered yet.
    assert_eq!(send(answer(&app, "GET", &challenge)).await.status, 200);
}
