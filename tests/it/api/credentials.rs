//! Credentials and permissions.

use std::time::Duration;

use countersign::jose::jws;
use countersign::oauth::CLIENT_ASSERTION_TYPE;
use countersign::random::SystemRandom;
use serde_json::json;

use super::{START, endpoints};
use crate::support::app::{
    ADMINISTRATOR, GATEWAY, LOGIN_PAGE, OTHER_WEBSITE, PORTAL, TestApp, WEBSITE,
};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::send;

on_both_databases!(
    a_client_whose_clock_is_off_hears_the_time,
    an_api_client_needs_credentials_everywhere,
    an_api_client_needs_the_permission,
    credentials_may_stand_in_the_form,
    credentials_in_two_places_are_refused,
    a_device_needs_a_token_everywhere,
    a_registration_needs_its_token,
);

async fn an_api_client_needs_credentials_everywhere(database: Database) {
    let app = TestApp::start(database).await;
    let mut checked = 0;
    for endpoint in endpoints(&app)
        .await
        .into_iter()
        .filter(|endpoint| endpoint.has_security("basic"))
    {
        let wrong = [
            endpoint.request(&app),
            endpoint.request(&app).basic_auth(WEBSITE.0, Some("wrong")),
            endpoint
                .request(&app)
                .basic_auth("unknown", Some(WEBSITE.1)),
            endpoint.request(&app).basic_auth("", None::<&str>),
            endpoint.request(&app).header("authorization", "Basic !"),
            endpoint.request(&app).header("authorization", "Digest x"),
            endpoint.request(&app).bearer_auth("no.assertion.really"),
        ];

        for request in wrong {
            let answer = send(request).await;
            assert_eq!(
                (answer.status, answer.text("error")),
                (401, "invalid_client"),
                "{}",
                endpoint.path
            );

            assert!(
                answer
                    .header("www-authenticate")
                    .unwrap()
                    .starts_with("Basic ")
            );

            assert!(!answer.text("error_description").is_empty());
        }

        checked += 1;
    }

    assert!(checked >= 12, "{checked}");
}

async fn an_api_client_needs_the_permission(database: Database) {
    let app = TestApp::start(database).await;
    for endpoint in endpoints(&app)
        .await
        .into_iter()
        .filter(|endpoint| endpoint.has_security("basic"))
    {
        let entitled = match endpoint.path.as_str() {
            path if path.contains("/authenticate/") => WEBSITE,
            path if path.contains("/login-requests/") || path.contains("/consent-requests/") => {
                LOGIN_PAGE
            }
            path if path.ends_with("/introspect") => GATEWAY,
            path if path.starts_with("/oauth/api/v1/users/") => PORTAL,
            _ => ADMINISTRATOR,
        };

        for (id, secret) in [WEBSITE, LOGIN_PAGE, PORTAL, ADMINISTRATOR, GATEWAY] {
            let answer = send(endpoint.request(&app).basic_auth(id, Some(secret))).await;
            let refused = answer.named() == (403, "insufficient_permissions");
            assert_eq!(
                refused,
                id != entitled.0,
                "{id} {} {}: {answer:?}",
                endpoint.method,
                endpoint.path
            );

            assert_ne!(answer.status, 401);
        }
    }
}

async fn credentials_may_stand_in_the_form(database: Database) {
    let app = TestApp::start(database).await;
    let post = |secret: Option<&'static str>| {
        let mut form = vec![("type", "otp"), ("client_id", OTHER_WEBSITE.0)];
        form.extend(secret.map(|secret| ("client_secret", secret)));
        send(app.request("POST", START).form(&form))
    };

    assert_eq!(post(Some(OTHER_WEBSITE.1)).await.status, 200);
    assert_eq!(post(Some("wrong")).await.named(), (401, "invalid_client"));
    assert_eq!(post(None).await.named(), (401, "invalid_client"));
}

async fn credentials_in_two_places_are_refused(database: Database) {
    let app = TestApp::start(database).await;

    let form = [
        ("type", "otp"),
        ("client_id", WEBSITE.0),
        ("client_secret", WEBSITE.1),
    ];

    assert_eq!(
        send(app.post_form(START, &form)).await.named(),
        (400, "invalid_request")
    );

    let mixed = app.request("POST", START).form(&form).bearer_auth("x.y.z");
    assert_eq!(send(mixed).await.named(), (400, "invalid_request"));

    let twice = app
        .post_form(START, &[("type", "otp")])
        .header("authorization", "Basic x");
    assert_eq!(send(twice).await.named(), (400, "invalid_request"));
}

async fn a_device_needs_a_token_everywhere(database: Database) {
    let app = TestApp::start(database).await;
    let device_token = app.phone().await.device_token().await.unwrap();
    let mut checked = 0;
    for endpoint in endpoints(&app).await {
        let (device, user) = (
            endpoint.has_security("device_token"),
            endpoint.has_security("user_token"),
        );
        if !device && !user {
            continue;
        }

        let missing = send(endpoint.request(&app)).await;
        assert_eq!(
            (missing.status, missing.text("code")),
            (401, "invalid_token"),
            "{}",
            endpoint.path
        );

        assert_eq!(
            missing.header("www-authenticate"),
            Some(r#"Bearer realm="countersign", DPoP realm="countersign", algs="ES256""#)
        );

        for wrong in [
            "x",
            &device_token.expose().to_lowercase(),
            &"x".repeat(5000),
        ] {
            let answer = send(endpoint.request(&app).bearer_auth(wrong)).await;
            assert_eq!(
                (answer.status, answer.text("code")),
                (401, "invalid_token"),
                "{}",
                endpoint.path
            );
        }

        let basic = send(
            endpoint
                .request(&app)
                .basic_auth(WEBSITE.0, Some(WEBSITE.1)),
        )
        .await;

        assert_eq!((basic.status, basic.text("code")), (401, "invalid_token"));
        let as_device = send(endpoint.request(&app).bearer_auth(device_token.expose())).await;
        let refused = as_device.named() == (403, "insufficient_scope");
        assert_eq!(
            refused, user,
            "{} {}: {as_device:?}",
            endpoint.method, endpoint.path
        );

        checked += 1;
    }

    assert!(checked >= 12, "{checked}");

    app.clock.advance(Duration::from_secs(901));

    let late = send(
        app.request("GET", "/device/v1/transactions")
            .bearer_auth(device_token.expose()),
    )
    .await;

    assert_eq!(
        late.header("www-authenticate"),
        Some("Bearer realm=\"countersign\", error=\"invalid_token\"")
    );
}

async fn a_registration_needs_its_token(database: Database) {
    let app = TestApp::start(database).await;
    let path = format!("/oauth/register/{}", app.phone().await.device_id());
    for path in [path.as_str(), "/oauth/register/UNKNOWN"] {
        for method in ["GET", "DELETE"] {
            for request in [
                app.request(method, path),
                app.request(method, path).bearer_auth("wrong"),
            ] {
                let answer = send(request).await;
                assert_eq!(
                    (answer.status, answer.text("error")),
                    (401, "invalid_token"),
                    "{method} {path}"
                );

                assert!(
                    answer
                        .header("www-authenticate")
                        .unwrap()
                        .starts_with("Bearer ")
                );
            }
        }
    }
}

async fn a_client_whose_clock_is_off_hears_the_time(database: Database) {
    let app = TestApp::start(database).await;
    let phone = app.phone().await;
    let now = app.clock.now().as_secs();

    let get_token = async |off: i64| {
        let id = phone.device_id();
        let jti = countersign::random::bytes::<16>(&SystemRandom);
        let claims = json!({
            "iss": id, "sub": id, "aud": app.public_url, "iat": now + off, "exp": now + off + 60,
            "jti": format!("{jti:?}"),
        });
        let assertion = jws::sign(phone.key(), None, claims.to_string().as_bytes()).unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", CLIENT_ASSERTION_TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        send(app.request("POST", "/oauth/token").form(&form)).await
    };

    for off in [-300, -60, 0, 60, 300] {
        assert_eq!(get_token(off).await.status, 200, "{off}");
    }

    for off in [-360, 301, 86_400, -86_400] {
        let refused = get_token(off).await;
        assert_eq!(refused.status, 401, "{off}");
        assert_eq!(refused.text("error"), "invalid_client");
        assert_eq!(refused.text("code"), "clock_skew");
        assert_eq!(refused.json["server_time"], now);
    }
}
