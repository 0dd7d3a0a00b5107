//! What every endpoint has in common.

use super::{START, UNKNOWN, endpoints, transaction};
use crate::support::app::{TestApp, WEBSITE};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::send;

const FORM: &str = "application/x-www-form-urlencoded";

on_both_databases!(
    a_wrong_method_gets_the_allowed_ones,
    what_can_be_read_can_be_looked_at,
    an_unknown_path_gets_an_error_of_its_area,
    a_wrong_content_type_is_refused_everywhere,
    a_content_type_is_compared_by_its_meaning,
    a_body_over_the_limit_is_refused,
    a_request_id_is_repeated_if_it_is_harmless,
    json_names_its_encoding,
);

async fn a_wrong_method_gets_the_allowed_ones(database: Database) {
    let app = TestApp::start(database).await;
    for endpoint in endpoints(&app).await {
        for method in [
            "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND",
        ] {
            if endpoint.methods.iter().any(|known| known == method) {
                continue;
            }

            let answer = send(endpoint.with_method(&app, method)).await;
            assert_eq!(
                answer.named(),
                (405, "method_not_allowed"),
                "{method} {}",
                endpoint.path
            );

            let mut allowed: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
            let mut expected: Vec<&str> = endpoint.methods.iter().map(String::as_str).collect();
            if expected.contains(&"GET") {
                expected.push("HEAD");
            }
            allowed.sort_unstable();
            expected.sort_unstable();
            assert_eq!(allowed, expected, "{method} {}", endpoint.path);
        }
    }
}

async fn what_can_be_read_can_be_looked_at(database: Database) {
    let app = TestApp::start(database).await;
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/oauth/keys",
        "/oauth/device",
    ] {
        let [get, head] = ["GET", "HEAD"].map(|method| app.request(method, path).send());
        let (get, head) = (get.await.unwrap(), head.await.unwrap());
        assert_eq!(head.status(), 200, "{path}");
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.headers()[name], get.headers()[name], "{path}");
        }
        assert!(head.bytes().await.unwrap().is_empty(), "{path}");
    }

    // As a GET would be refused, without a body.
    let refused = app.request("HEAD", "/device/v1/transactions").send().await;
    assert_eq!(refused.unwrap().status(), 401);
}

async fn an_unknown_path_gets_an_error_of_its_area(database: Database) {
    let app = TestApp::start(database).await;
    let website = send(app.get("/oauth/api/v4/authenticate/nothing")).await;
    assert_eq!((website.status, website.text("error")), (404, "not_found"));

    assert_eq!(
        website.json["description"],
        website.json["error_description"]
    );

    let oauth = send(app.request("GET", "/oauth/nothing")).await;
    assert_eq!(
        (
            oauth.status,
            oauth.text("error"),
            oauth.json.get("description")
        ),
        (404, "not_found", None)
    );

    for request in [
        app.request("GET", "/"),
        app.request("GET", "/device/v1/nothing"),
        app.manage("GET", "/nothing"),
    ] {
        let other = send(request).await;
        assert_eq!((other.status, other.text("code")), (404, "not_found"));

        assert_eq!(
            other.header("content-type"),
            Some("application/problem+json")
        );

        assert_eq!(other.header("x-request-id"), Some(other.text("request_id")));
    }

    // Each listener serves its own endpoints only.
    for path in ["/metrics", "/openapi.json", "/docs/", "/api/v1/callbacks"] {
        assert_eq!(send(app.request("GET", path)).await.status, 404, "{path}");
    }

    assert_eq!(send(app.manage("POST", START)).await.status, 404);
}

async fn a_wrong_content_type_is_refused_everywhere(database: Database) {
    let app = TestApp::start(database).await;
    let person = app.enrolled("alice").await;
    let token = person.phone.user_token(&person.user).await.unwrap();
    let mut checked = 0;
    for endpoint in endpoints(&app).await {
        let Some(right) = endpoint.takes() else {
            continue;
        };
        let wrong = if right == FORM {
            "application/json"
        } else {
            FORM
        };

        let request = || match endpoint.has_security("basic") {
            true => endpoint
                .request(&app)
                .basic_auth(WEBSITE.0, Some(WEBSITE.1)),
            false => endpoint.request(&app).bearer_auth(token.expose()),
        };

        let answers = [
            send(request().header("content-type", wrong).body("x")).await,
            send(request().body("x")).await,
            send(
                request()
                    .header("content-type", right)
                    .header("content-encoding", "gzip")
                    .body("x"),
            )
            .await,
        ];

        for answer in answers {
            // Where the body is JSON, the permission is checked before the body. The built-in pages
            // do not exist in this server.
            let built_in = ["/oauth/login", "/oauth/consent"].contains(&endpoint.path.as_str());

            let refused = [
                (415, "unsupported_media_type"),
                (403, "insufficient_permissions"),
            ];

            if built_in {
                assert_eq!(answer.named(), (404, "not_found"));
                continue;
            }

            assert!(
                refused.contains(&answer.named()),
                "{} {}: {answer:?}",
                endpoint.method,
                endpoint.path
            );

            checked += usize::from(answer.status == 415);
        }
    }

    assert!(checked >= 3 * 10, "{checked}");
}

async fn a_content_type_is_compared_by_its_meaning(database: Database) {
    let app = TestApp::start(database).await;
    let post = |content_type: &str| {
        let request = app
            .request("POST", START)
            .basic_auth(WEBSITE.0, Some(WEBSITE.1));
        send(
            request
                .header("content-type", content_type)
                .body("type=otp"),
        )
    };

    for right in [
        FORM,
        &format!("{FORM};charset=UTF-8"),
        "Application/X-WWW-Form-URLencoded; charset=\"utf-8\"",
    ] {
        assert_eq!(post(right).await.status, 200, "{right}");
    }

    for wrong in [
        "",
        "text/plain",
        "multipart/form-data",
        &format!("{FORM};charset=ISO-8859-1"),
        &format!("x{FORM}"),
    ] {
        assert_eq!(
            post(wrong).await.named(),
            (415, "unsupported_media_type"),
            "{wrong}"
        );
    }
}

async fn a_body_over_the_limit_is_refused(database: Database) {
    let app = TestApp::start(database).await;
    let post = |length: usize| {
        let head = "type=nothing&message=";
        let body = format!("{head}{}", "x".repeat(length - head.len()));

        let request = app
            .request("POST", START)
            .basic_auth(WEBSITE.0, Some(WEBSITE.1));
        send(request.header("content-type", FORM).body(body))
    };

    assert_eq!(post(65_536).await.numbered(), (400, "1003"));
    assert_eq!(post(65_537).await.named(), (413, "body_too_large"));

    let json = app
        .request("POST", "/oauth/register")
        .header("content-type", "application/json");
    assert_eq!(
        send(json.body("x".repeat(65_537))).await.named(),
        (413, "body_too_large")
    );
}

async fn a_request_id_is_repeated_if_it_is_harmless(database: Database) {
    let app = TestApp::start(database).await;
    let path = transaction(UNKNOWN);
    let long = "x".repeat(128);
    for harmless in ["a", "Trace_1.2-3", &long] {
        assert_eq!(
            send(app.get(&path).header("x-request-id", harmless))
                .await
                .header("x-request-id"),
            Some(harmless)
        );
    }

    for harmful in ["", "a b", "<script>", &format!("{long}x")] {
        let answer = send(app.get(&path).header("x-request-id", harmful)).await;
        assert_ne!(answer.header("x-request-id"), Some(harmful));
    }

    let (first, second) = (send(app.get(&path)).await, send(app.get(&path)).await);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

async fn json_names_its_encoding(database: Database) {
    let app = TestApp::start(database).await;
    let answer = send(app.get(&format!("{START}/alice/enabled"))).await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/json;charset=UTF-8")
    );

    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}
