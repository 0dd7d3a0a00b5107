//! What browsers see: redirects, cookies and the pages of the server.

use std::sync::Arc;

use countersign::secret::sha256;
use countersign::settings::{ClientCredential, GrantType, Settings, WebClient};
use reqwest::Response;
use serde_json::json;

use crate::support::app::{LOGIN_PAGE, TestApp};
use crate::support::browser::Browser;
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::send;

on_both_databases!(
    a_browser_remembers_a_log_in,
    a_request_may_be_posted_or_pushed,
    a_user_enters_the_code_of_an_appliance,
    a_page_escapes_what_it_shows,
    too_many_wrong_codes_are_refused,
    a_code_from_another_site_shows_the_page_that_warns,
    built_in_pages_exist_in_development_only,
    built_in_pages_log_a_user_in,
    pages_are_in_the_language_of_the_user,
    a_browser_is_shown_a_page_for_every_error,
    an_answer_is_posted_by_a_page,
    a_user_logs_out,
    nobody_is_logged_out_by_a_link,
);

const CLIENT: (&str, &str) = ("web", "web-secret-of-the-tests");
const QUERY: &str = "response_type=code&client_id=web&redirect_uri=https%3A%2F%2Fweb.example%2Fcb&state=s\
                     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

pub(super) async fn app_with_client(database: Database) -> TestApp {
    app_with(database, false).await
}

async fn app_with(database: Database, built_in_pages: bool) -> TestApp {
    let adjust = |settings: &mut Settings| {
        let credential = ClientCredential::SecretHash(sha256(CLIENT.1.as_bytes()));
        let mut client = WebClient::new(CLIENT.0.parse().unwrap(), Some(credential));
        client.redirect_uris = vec!["https://web.example/cb".to_owned()];
        client.grant_types = GrantType::ALL.into();
        client.scopes = ["openid".to_owned()].into();
        client.post_logout_redirect_uris = vec!["https://web.example/bye".to_owned()];

        settings
            .web_clients
            .insert(client.client_id.clone(), Arc::new(client));
    };

    let start = TestApp::start_with(database, |settings, limits| {
        limits.built_in_pages = built_in_pages;
        adjust(settings);
    });
    start.await
}

/// Where a redirect goes. It is a `303` without a `Referer`, so that neither a posted form nor the
/// URL goes along.
fn location(response: &Response) -> String {
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.headers()["location"].to_str().unwrap().to_owned()
}

fn after(address: &str, name: &str) -> String {
    address
        .split_once(&format!("{name}="))
        .unwrap()
        .1
        .split('&')
        .next()
        .unwrap()
        .to_owned()
}

/// The name and value of the cookie that a response sets, and its whole header.
fn cookie(response: &Response) -> (String, String) {
    let line = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        line.contains("; HttpOnly") && line.contains("; SameSite=Lax") && line.contains("; Path=/"),
        "{line}"
    );

    (line.split(';').next().unwrap().to_owned(), line)
}

/// The login page says that it is Alice. Gives the address that it sends the browser to.
async fn log_in(app: &TestApp, login_page: &str, remember: bool) -> String {
    let challenge = after(login_page, "login_challenge");
    let answer = json!({ "subject": "alice", "remember": remember });
    app.accept("login", &challenge, answer).await
}

async fn a_browser_remembers_a_log_in(database: Database) {
    let app = app_with_client(database).await;
    let begun = app
        .request("GET", &format!("/oauth/authorize?{QUERY}"))
        .send()
        .await
        .unwrap();

    let (recognition, _) = cookie(&begun);
    let resume = log_in(&app, &location(&begun), true).await;
    let path = resume.strip_prefix(&app.public_url).unwrap();
    let resumed = app
        .request("GET", path)
        .header("cookie", &recognition)
        .send()
        .await
        .unwrap();

    let (session, line) = cookie(&resumed);
    assert!(line.contains("; Max-Age=2592000"), "{line}");

    let consent_page = location(&resumed);
    let challenge = after(&consent_page, "consent_challenge");
    let request = app.request(
        "GET",
        &format!("/oauth/api/v1/consent-requests/{challenge}"),
    );
    let told = send(request.basic_auth(LOGIN_PAGE.0, Some(LOGIN_PAGE.1))).await;
    assert_eq!(
        (told.status, told.text("subject"), told.text("client_name")),
        (200, "alice", "web")
    );

    assert_eq!(
        (
            told.json["scopes"][0]["id"].as_str(),
            told.json.get("installation")
        ),
        (Some("openid"), None)
    );

    let body = json!({ "granted_scopes": ["openid"], "remember": true });
    let both = format!("{recognition}; {session}");
    let resume = app.accept("consent", &challenge, body).await;
    let resumed = app.http.get(resume).header("cookie", &both);
    let back = location(&resumed.send().await.unwrap());
    assert!(back.starts_with("https://web.example/cb?code="), "{back}");

    let silent = app
        .request("GET", &format!("/oauth/authorize?{QUERY}&prompt=none"))
        .header("cookie", both);
    let back = location(&silent.send().await.unwrap());
    assert!(
        back.starts_with("https://web.example/cb?code=") && back.contains("iss="),
        "{back}"
    );
}

async fn a_request_may_be_posted_or_pushed(database: Database) {
    let app = app_with_client(database).await;
    let form = |path: &str| {
        let request = app
            .request("POST", path)
            .header("content-type", "application/x-www-form-urlencoded");
        request.body(QUERY)
    };

    let posted = form("/oauth/authorize").send().await.unwrap();
    assert!(location(&posted).starts_with("https://portal.example/login?"));

    let pushed = send(form("/oauth/par").basic_auth(CLIENT.0, Some(CLIENT.1))).await;
    assert_eq!(
        (pushed.status, pushed.json["expires_in"].as_u64()),
        (201, Some(90))
    );

    let query = format!("client_id=web&request_uri={}", pushed.text("request_uri"));
    let named = app
        .request("GET", &format!("/oauth/authorize?{query}"))
        .send()
        .await
        .unwrap();

    assert!(location(&named).starts_with("https://portal.example/login?"));

    let again = send(app.request("GET", &format!("/oauth/authorize?{query}"))).await;
    assert_eq!(again.named(), (400, "invalid_request_uri"));

    let wrong = send(form("/oauth/par").basic_auth(CLIENT.0, Some("wrong"))).await;
    assert_eq!(wrong.named(), (401, "invalid_client"));
}

/// The text of a page. Its headers keep browsers from framing, running and storing it.
async fn page(response: Response, status: u16) -> String {
    assert_eq!(response.status(), status);

    let header = |name: &str| response.headers()[name].to_str().unwrap();
    let policy = header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        "{policy}"
    );

    assert_eq!(
        (header("x-frame-options"), header("cache-control")),
        ("DENY", "no-store")
    );

    assert_eq!(header("content-type"), "text/html; charset=utf-8");

    assert_eq!(
        (header("referrer-policy"), header("x-content-type-options")),
        ("same-origin", "nosniff")
    );

    response.text().await.unwrap()
}

async fn a_user_enters_the_code_of_an_appliance(database: Database) {
    let app = app_with_client(database).await;
    let begin = app
        .request("POST", "/oauth/device_authorization")
        .basic_auth(CLIENT.0, Some(CLIENT.1));
    let device = send(begin.form(&[("scope", "openid")])).await;
    let user_code = device.text("user_code").to_owned();

    let shown = device
        .text("verification_uri_complete")
        .strip_prefix(&app.public_url)
        .unwrap()
        .to_owned();

    assert!(
        page(app.request("GET", &shown).send().await.unwrap(), 200)
            .await
            .contains(&user_code)
    );

    let poll = async || {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let form = [
            ("grant_type", grant),
            ("device_code", device.text("device_code")),
        ];
        send(
            app.request("POST", "/oauth/token")
                .basic_auth(CLIENT.0, Some(CLIENT.1))
                .form(&form),
        )
        .await
    };

    assert_eq!(poll().await.named(), (400, "authorization_pending"));
    assert_eq!(poll().await.named(), (400, "slow_down"));

    let mut browser = app.browser();
    let entered = browser
        .post("/oauth/device", &[("user_code", &user_code)])
        .await;

    // Both pages learn what is connected, and by which code.
    let challenge = browser.challenge(&location(&entered), "login").await;
    let asked = |page: &str, challenge: &str| {
        let path = format!("/oauth/api/v1/{page}-requests/{challenge}");
        app.request("GET", &path)
            .basic_auth(LOGIN_PAGE.0, Some(LOGIN_PAGE.1))
    };
    let told = send(asked("login", &challenge)).await;
    assert_eq!(told.json["device"], json!({ "user_code": user_code }));

    let resume = app
        .accept("login", &challenge, json!({ "subject": "alice" }))
        .await;
    let challenge = browser.challenge(&resume, "consent").await;
    let told = send(asked("consent", &challenge)).await;
    assert_eq!(told.json["device"], json!({ "user_code": user_code }));

    let resume = app.accept("consent", &challenge, json!({})).await;
    let done = location(&browser.open(&resume).await);
    let done = browser.open(&done).await;

    assert!(page(done, 200).await.contains("Return to your device"));
    assert_eq!(poll().await.status, 200);
}

async fn a_page_escapes_what_it_shows(database: Database) {
    let app = app_with_client(database).await;
    let evil = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let got = app
        .request("GET", &format!("/oauth/device?user_code={evil}"))
        .send()
        .await
        .unwrap();

    assert!(!page(got, 200).await.contains("<script"));

    let posted = app
        .request("POST", "/oauth/device")
        .form(&[("user_code", "\"><script>")])
        .send()
        .await
        .unwrap();

    assert!(!page(posted, 400).await.contains("<script"));

    let done = app
        .request("GET", &format!("/oauth/device/done?result={evil}"))
        .send()
        .await
        .unwrap();

    assert!(!page(done, 200).await.contains("<script"));
}

async fn too_many_wrong_codes_are_refused(database: Database) {
    let app = app_with_client(database).await;
    let enter = async || {
        app.request("POST", "/oauth/device")
            .form(&[("user_code", "BBBB-BBBB")])
            .send()
            .await
            .unwrap()
    };

    for _ in 0..100 {
        assert_eq!(enter().await.status(), 400);
    }

    let refused = enter().await;
    assert_eq!(refused.headers()["retry-after"], "60");

    page(refused, 429).await;
}

async fn a_code_from_another_site_shows_the_page_that_warns(database: Database) {
    let app = app_with_client(database).await;
    let begin = app
        .request("POST", "/oauth/device_authorization")
        .basic_auth(CLIENT.0, Some(CLIENT.1));
    let device = send(begin.form(&[("scope", "openid")])).await;
    let user_code = device.text("user_code");

    let enter = async |name: &str, value: &str| {
        app.request("POST", "/oauth/device")
            .header(name, value)
            .form(&[("user_code", user_code)])
            .send()
            .await
            .unwrap()
    };

    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let shown = page(enter(name, value).await, 403).await;
        assert!(shown.contains(user_code), "{shown}");
    }

    let entered = enter("Origin", &app.public_url).await;
    assert!(location(&entered).contains("login_challenge="));
}

async fn built_in_pages_exist_in_development_only(database: Database) {
    let app = app_with_client(database).await;
    for path in [
        "/oauth/login?login_challenge=x",
        "/oauth/consent?consent_challenge=x",
    ] {
        assert_eq!(
            send(app.request("GET", path)).await.named(),
            (404, "not_found")
        );

        assert_eq!(
            send(app.request("POST", path).form(&[("decision", "allow")]))
                .await
                .named(),
            (404, "not_found")
        );
    }
}

async fn built_in_pages_log_a_user_in(database: Database) {
    let app = app_with(database, true).await;
    let mut browser = app.browser();
    let begun = format!("/oauth/authorize?{QUERY}&login_hint=%22%3E%3Cb%3E");
    let login_page = browser.go(&begun).await;
    let shown = page(browser.open(&login_page).await, 200).await;
    assert!(
        shown.contains("Not for production") && !shown.contains("<b>"),
        "{shown}"
    );

    let challenge = after(&login_page, "login_challenge");

    let post = async |path: &str, form: &[(&str, &str)]| {
        app.request("POST", path).form(form).send().await.unwrap()
    };
    let nobody = post(
        "/oauth/login",
        &[("login_challenge", &challenge), ("decision", "allow")],
    )
    .await;

    assert_eq!(nobody.status(), 400);

    let form = [
        ("login_challenge", challenge.as_str()),
        ("user_id", "<alice>"),
        ("decision", "allow"),
    ];

    let resume = location(&post("/oauth/login", &form).await);
    let consent_page = browser.go(&resume).await;
    let shown = page(browser.open(&consent_page).await, 200).await;
    assert!(
        shown.contains("&lt;alice&gt;") && shown.contains("web"),
        "{shown}"
    );

    let challenge = after(&consent_page, "consent_challenge");
    let form = [
        ("consent_challenge", challenge.as_str()),
        ("decision", "deny"),
    ];
    let resume = location(&post("/oauth/consent", &form).await);
    let back = browser.go(&resume).await;
    assert!(
        back.starts_with("https://web.example/cb?error=access_denied"),
        "{back}"
    );

    assert_eq!(
        post("/oauth/consent", &form).await.status(),
        409,
        "a challenge can be answered once"
    );
}

async fn pages_are_in_the_language_of_the_user(database: Database) {
    let app = app_with(database, true).await;
    let open = async |address: &str, language: &str| {
        let request = app
            .http
            .get(format!("{}{address}", app.public_url))
            .header("accept-language", language);
        page(request.send().await.unwrap(), 200).await
    };

    for (language, lang, text) in [
        ("nl-BE,nl;q=0.9", "nl", "Een apparaat verbinden"),
        ("de", "de", "Ein Gerät verbinden"),
        ("fr-CA", "fr", "Connecter un appareil"),
        ("tlh", "en", "Connect a device"),
    ] {
        let shown = open("/oauth/device", language).await;
        assert!(
            shown.contains(&format!("<html lang=\"{lang}\">")),
            "{shown}"
        );
        assert!(shown.contains(text), "{shown}");
    }

    // What the client asks for comes first.
    let begun = format!("/oauth/authorize?{QUERY}&ui_locales=fr");
    let login_page = app.browser().go(&begun).await;
    let login_page = login_page.strip_prefix(&app.public_url).unwrap();
    let shown = open(login_page, "de").await;
    assert!(shown.contains("<h1>Connexion</h1>"), "{shown}");
}

async fn a_browser_is_shown_a_page_for_every_error(database: Database) {
    let app = app_with(database, true).await;
    let open = async |address: &str, accept: &str| {
        let request = app.http.get(format!("{}{address}", app.public_url));
        request.header("accept", accept).send().await.unwrap()
    };
    let html = "text/html,application/xhtml+xml,*/*;q=0.8";

    for (address, status, text, code) in [
        ("/oauth/authorize", 400, "made a mistake", "invalid_request"),
        (
            "/oauth/authorize?client_id=%ff",
            400,
            "made a mistake",
            "invalid_request",
        ),
        (
            "/oauth/authorize?client_id=web&client_id=web",
            400,
            "made a mistake",
            "invalid_request",
        ),
        (
            "/oauth/authorize/resume?verifier=x",
            404,
            "has expired",
            "not_found",
        ),
        (
            "/oauth/authorize/resume",
            400,
            "made a mistake",
            "invalid_request",
        ),
        (
            "/oauth/login?login_challenge=x",
            404,
            "has expired",
            "not_found",
        ),
        (
            "/oauth/consent?consent_challenge=x",
            404,
            "has expired",
            "not_found",
        ),
        (
            "/oauth/logout?client_id=nobody",
            400,
            "made a mistake",
            "invalid_request",
        ),
    ] {
        let shown = page(open(address, html).await, status).await;
        assert!(
            shown.contains(text) && shown.contains(code),
            "{address}: {shown}"
        );

        // A program gets what it can read.
        let told = send(app.request("GET", address)).await;
        assert_eq!(told.named(), (status, code), "{address}");
    }

    // Another browser, and a page that was answered.
    let mut browser = app.browser();
    let login_page = browser.go(&format!("/oauth/authorize?{QUERY}")).await;
    let resume = log_in(&app, &login_page, false).await;
    let elsewhere = open(resume.strip_prefix(&app.public_url).unwrap(), html).await;
    let shown = page(elsewhere, 403).await;
    assert!(shown.contains("another browser"), "{shown}");

    let again = open(login_page.strip_prefix(&app.public_url).unwrap(), html).await;
    let shown = page(again, 409).await;
    assert!(shown.contains("answered it already"), "{shown}");
}

async fn an_answer_is_posted_by_a_page(database: Database) {
    let app = app_with_client(database).await;
    let address = format!(
        "/oauth/authorize?{}&response_mode=form_post&prompt=none",
        QUERY.replace("state=s", "state=%22%3E%3Cscript%3E")
    );
    let response = app.browser().open(&address).await;
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(policy.contains("; script-src 'sha256-"), "{policy}");
    assert!(
        !policy.contains("unsafe") && !policy.contains("form-action"),
        "{policy}"
    );

    let shown = page(response, 200).await;
    assert!(
        shown.contains("action=\"https://web.example/cb\""),
        "{shown}"
    );
    assert!(
        shown.contains("name=\"error\" value=\"login_required\""),
        "{shown}"
    );
    assert!(
        shown.contains("name=\"state\" value=\"&quot;&gt;&lt;script&gt;\""),
        "{shown}"
    );
    assert_eq!(shown.matches("<script>").count(), 1);
}

/// A browser that remembers Alice, and an ID token of hers.
pub(super) async fn remembered(app: &TestApp) -> (Browser, String) {
    let mut browser = app.browser();
    let page = browser
        .go(&format!("/oauth/authorize?{QUERY}&scope=openid"))
        .await;
    let resume = log_in(app, &page, true).await;
    let challenge = browser.challenge(&resume, "consent").await;
    let answer = json!({ "remember": true });
    let resume = app.accept("consent", &challenge, answer).await;
    let back = browser.go(&resume).await;

    let form = [
        ("grant_type", "authorization_code"),
        ("code", &after(&back, "code")),
        ("redirect_uri", "https://web.example/cb"),
        (
            "code_verifier",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
    ];
    let request = app
        .request("POST", "/oauth/token")
        .basic_auth(CLIENT.0, Some(CLIENT.1));
    let tokens = send(request.form(&form)).await;

    (browser, tokens.text("id_token").to_owned())
}

async fn is_remembered(browser: &mut Browser) -> bool {
    let silent = format!("/oauth/authorize?{QUERY}&scope=openid&prompt=none");
    let back = browser.go(&silent).await;
    back.contains("code=")
}

async fn a_user_logs_out(database: Database) {
    let app = app_with_client(database).await;
    let (mut browser, id_token) = remembered(&app).await;
    assert!(is_remembered(&mut browser).await);

    // Nothing ends where the user could not be sent on.
    for (parameter, value) in [
        ("post_logout_redirect_uri", "https://evil.example/"),
        ("post_logout_redirect_uri", "https://web.example/bye/"),
        ("client_id", "other"),
    ] {
        let address = format!("/oauth/logout?id_token_hint={id_token}&{parameter}={value}");
        assert_eq!(browser.open(&address).await.status(), 400, "{value}");
    }
    assert!(is_remembered(&mut browser).await);

    let address = format!(
        "/oauth/logout?id_token_hint={id_token}&state=a%26b\
         &post_logout_redirect_uri=https%3A%2F%2Fweb.example%2Fbye"
    );
    let response = browser.open(&address).await;
    assert_eq!(location(&response), "https://web.example/bye?state=a%26b");
    assert!(!is_remembered(&mut browser).await);

    // Again, and without anywhere to go.
    let shown = browser
        .open(&format!("/oauth/logout?id_token_hint={id_token}"))
        .await;
    assert!(page(shown, 200).await.contains("You are logged out"));
}

async fn nobody_is_logged_out_by_a_link(database: Database) {
    let app = app_with_client(database).await;
    let (mut browser, _) = remembered(&app).await;

    for address in [
        "/oauth/logout",
        "/oauth/logout?confirmed=yes",
        "/oauth/logout?client_id=web&id_token_hint=garbage",
    ] {
        let shown = page(browser.open(address).await, 200).await;
        assert!(shown.contains("Log out?"), "{shown}");
        assert!(is_remembered(&mut browser).await, "{address}");
    }

    // What another site posts is asked about too.
    let posted = app
        .request("POST", "/oauth/logout")
        .header("origin", "https://evil.example")
        .form(&[("confirmed", "yes"), ("state", "s")])
        .send()
        .await
        .unwrap();
    assert!(posted.headers().get("set-cookie").is_none());
    assert_eq!(
        location(&posted),
        format!("{}/oauth/logout?state=s", app.public_url)
    );

    let form = [("confirmed", "yes")];
    let shown = page(browser.post("/oauth/logout", &form).await, 200).await;
    assert!(shown.contains("You are logged out"), "{shown}");
    assert!(!is_remembered(&mut browser).await);
}
