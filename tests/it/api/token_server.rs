//! What the token server tells: userinfo, introspection, metadata and keys.

use std::sync::Arc;
use std::time::Duration;

use countersign::jose::dpop::{self, DpopExpectation};
use countersign::random::SystemRandom;
use countersign::settings::{TokenSettings, WebClient};
use countersign::store::schema::access_tokens;
use countersign::store::{Connection, StoreError, WriteError};
use diesel::prelude::*;
use serde_json::json;

use super::endpoints;
use crate::support::app::{GATEWAY, TestApp};
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::{Answer, send};

on_both_databases!(
    userinfo_names_the_user,
    introspection_describes_a_token,
    metadata_names_existing_endpoints,
    keys_are_published,
    a_client_hears_how_to_present_a_token,
    proofs_may_have_to_contain_a_nonce,
    pages_of_a_clients_origins_may_ask,
    two_proofs_are_refused,
    a_bound_token_works_for_devices,
);

/// Gives all access tokens the scope `openid`.
async fn grant_openid(app: &TestApp) {
    let change = |connection: &mut Connection| {
        let scope = access_tokens::scope.eq("device user openid");
        diesel::update(access_tokens::table)
            .set(scope)
            .execute(connection)
            .map(drop)?;

        Ok::<(), WriteError<StoreError>>(())
    };

    app.app.base.store.write(change).await.unwrap();
}

async fn userinfo(app: &TestApp, method: &str, authorization: Option<&str>) -> Answer {
    let request = app.request(method, "/oauth/userinfo");
    send(match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    })
    .await
}

async fn userinfo_names_the_user(database: Database) {
    let app = TestApp::start(database).await;
    let alice = app.enrolled("alice").await;
    let user_token = alice.phone.user_token(&alice.user).await.unwrap();
    let user = format!("Bearer {}", user_token.expose());
    let refused = |answer: &Answer| (answer.status, answer.text("error").to_owned());
    let narrow = userinfo(&app, "GET", Some(&user)).await;
    assert_eq!(refused(&narrow), (403, "insufficient_scope".to_owned()));

    let challenge = r#"Bearer realm="countersign", error="insufficient_scope", scope="openid""#;
    assert_eq!(narrow.header("www-authenticate"), Some(challenge));

    let device = format!(
        "Bearer {}",
        alice.phone.device_token().await.unwrap().expose()
    );

    grant_openid(&app).await;

    for (method, value) in [
        ("GET", user.clone()),
        ("POST", user.clone()),
        ("GET", user.replace("Bearer", "bearer")),
    ] {
        let answer = userinfo(&app, method, Some(&value)).await;
        assert_eq!(
            (answer.status, answer.text("sub")),
            (200, "alice"),
            "{answer:?}"
        );
    }

    let of_nobody = userinfo(&app, "GET", Some(&device)).await;
    assert_eq!(refused(&of_nobody), (403, "insufficient_scope".to_owned()));

    let invalid = r#"Bearer realm="countersign", error="invalid_token""#;
    let invalid_dpop = r#"DPoP realm="countersign", error="invalid_token", algs="ES256""#;
    let missing = r#"Bearer realm="countersign", DPoP realm="countersign", algs="ES256""#;
    for (value, challenge) in [
        (None, missing),
        (Some("Basic x"), missing),
        (Some("Bearer x"), invalid),
        (Some(user.replace("Bearer", "DPoP").as_str()), invalid_dpop),
    ] {
        let answer = userinfo(&app, "GET", value).await;
        assert_eq!(
            refused(&answer),
            (401, "invalid_token".to_owned()),
            "{value:?}"
        );

        assert_eq!(
            answer.header("www-authenticate"),
            Some(challenge),
            "{value:?}"
        );
    }

    let in_query = app.request(
        "GET",
        &format!("/oauth/userinfo?access_token={}", user_token.expose()),
    );
    assert_eq!(
        send(in_query).await.status,
        401,
        "a token in the URL is ignored"
    );
}

async fn introspection_describes_a_token(database: Database) {
    let app = TestApp::start(database).await;
    let alice = app.enrolled("alice").await;
    let token = alice
        .phone
        .user_token(&alice.user)
        .await
        .unwrap()
        .expose()
        .to_owned();

    let ask = async |path: &str, token: &str| {
        let request = app
            .request("POST", path)
            .basic_auth(GATEWAY.0, Some(GATEWAY.1));
        send(request.form(&[("token", token), ("token_type_hint", "refresh_token")])).await
    };

    let now = app.clock.now().as_secs();
    for (path, exp) in [
        ("/oauth/introspect", now + 900),
        ("/oauth/api/v2/token/introspect", now + 900),
        ("/oauth/api/v1/token/introspect", 900),
    ] {
        let answer = ask(path, &token).await;
        let jti = answer.text("jti").to_owned();
        let mut expected = json!({
            "active": true, "scope": "device user", "client_id": alice.phone.device_id(), "username": "alice",
            "sub": "alice", "token_type": "Bearer", "token_use": "access_token", "exp": exp, "iat": now, "aud": app.public_url,
            "iss": app.public_url, "jti": jti, "app_identifier": "bank", "app_platform": "android", "app_version": "1.0",
            "auth_time": now,
        });

        if let Some(amr) = answer.json.get("amr") {
            expected["amr"] = amr.clone();
        }

        assert_eq!((answer.status, &answer.json), (200, &expected), "{path}");

        for unknown in ["x", "a.b.c", &"A".repeat(64)] {
            let answer = ask(path, unknown).await;
            assert_eq!(
                (answer.status, answer.json),
                (200, json!({ "active": false })),
                "{path} {unknown}"
            );
        }

        let nothing = app
            .request("POST", path)
            .basic_auth(GATEWAY.0, Some(GATEWAY.1))
            .form(&[("x", "y")]);
        assert_eq!(send(nothing).await.named(), (400, "invalid_request"));
    }

    let form = [
        ("token", token.as_str()),
        ("client_id", GATEWAY.0),
        ("client_secret", GATEWAY.1),
    ];

    let answer = send(app.request("POST", "/oauth/introspect").form(&form)).await;
    assert_eq!(
        answer.json["active"], true,
        "credentials may come in the form"
    );

    app.clock.advance(Duration::from_secs(900));

    assert_eq!(
        ask("/oauth/introspect", &token).await.json,
        json!({ "active": false })
    );
}

async fn metadata_names_existing_endpoints(database: Database) {
    let app = TestApp::start(database).await;
    let document = send(app.request("GET", "/.well-known/openid-configuration"))
        .await
        .json;
    assert_eq!(
        send(app.request("GET", "/.well-known/oauth-authorization-server"))
            .await
            .json,
        document
    );

    assert_eq!(document["issuer"], app.public_url);

    let served: Vec<String> = endpoints(&app)
        .await
        .into_iter()
        .map(|endpoint| endpoint.path)
        .collect();

    let addresses = document
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| name.ends_with("_endpoint") || name.as_str() == "jwks_uri");

    let mut checked = 0;
    for (name, address) in addresses {
        let path = address
            .as_str()
            .unwrap()
            .strip_prefix(&app.public_url)
            .unwrap();

        assert!(served.iter().any(|known| known == path), "{name}: {path}");
        checked += 1;
    }

    assert_eq!(checked, 10);

    for (member, value) in [
        ("response_types_supported", "code"),
        ("code_challenge_methods_supported", "S256"),
        ("dpop_signing_alg_values_supported", "ES256"),
        ("id_token_signing_alg_values_supported", "ES256"),
        ("token_endpoint_auth_methods_supported", "none"),
        (
            "grant_types_supported",
            "urn:oa4mp:params:oauth:grant-type:token-info",
        ),
        ("scopes_supported", "openid"),
    ] {
        assert!(
            document[member].as_array().unwrap().contains(&json!(value)),
            "{member}"
        );
    }

    assert_eq!(
        document["authorization_response_iss_parameter_supported"],
        true
    );
}

async fn keys_are_published(database: Database) {
    let app = TestApp::start(database).await;
    let answer = send(app.request("GET", "/oauth/keys")).await;
    let keys = answer.json["keys"].as_array().unwrap();
    assert_eq!((answer.status, keys.len()), (200, 2));
    let mut algorithms: Vec<_> = keys.iter().map(|key| key["alg"].as_str()).collect();
    algorithms.sort_unstable();
    assert_eq!(algorithms, [Some("ES256"), Some("RS256")]);
    assert!(keys.iter().all(|key| key.get("d").is_none()));

    let before = answer.json.clone();
    let app = app.restart().await;
    assert_eq!(
        send(app.request("GET", "/oauth/keys")).await.json,
        before,
        "a restart keeps the key"
    );

    let beside = app.beside().await;
    assert_eq!(
        send(beside.request("GET", "/oauth/keys")).await.json,
        before
    );
}

/// A form that requests a device's own token.
fn token_form(assertion: &str) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "client_credentials".to_owned()),
        (
            "client_assertion_type",
            countersign::oauth::CLIENT_ASSERTION_TYPE.to_owned(),
        ),
        ("client_assertion", assertion.to_owned()),
    ]
}

async fn two_proofs_are_refused(database: Database) {
    let app = TestApp::start(database).await;
    let phone = app.phone().await;
    let ask = |proofs: &[&str]| {
        let form = token_form(&phone.client_assertion().unwrap());
        let request = app.request("POST", "/oauth/token").form(&form);
        proofs
            .iter()
            .fold(request, |request, proof| request.header("dpop", *proof))
    };

    assert_eq!(send(ask(&[])).await.status, 200);

    for proofs in [&["x"][..], &["a.b.c"], &["x", "x"], &[""]] {
        let answer = send(ask(proofs)).await;
        assert_eq!(
            (answer.status, answer.text("error")),
            (400, "invalid_dpop_proof"),
            "{proofs:?}"
        );
    }
}

async fn a_bound_token_works_for_devices(database: Database) {
    let app = TestApp::start(database).await;
    let phone = app.phone().await;
    let proof = |method: &str, path: &str, access_token: Option<&str>, jti: &str| {
        let url = format!("{}{path}", app.public_url);
        let expected = DpopExpectation {
            method,
            url: &url,
            access_token,
            now: app.clock.now(),
        };

        dpop::sign(phone.key(), &expected, jti, None).unwrap()
    };

    let form = token_form(&phone.client_assertion().unwrap());
    let request = app.request("POST", "/oauth/token").form(&form);
    let answer = send(request.header("dpop", proof("POST", "/oauth/token", None, "1"))).await;
    assert_eq!((answer.status, answer.text("token_type")), (200, "DPoP"));

    let token = answer.text("access_token").to_owned();
    let path = "/device/v1/transactions";
    let used = proof("GET", path, Some(&token), "2");

    let ask = async |scheme: &str, proof: Option<&str>| {
        let request = app
            .request("GET", path)
            .header("authorization", format!("{scheme} {token}"));
        send(
            proof
                .into_iter()
                .fold(request, |request, proof| request.header("dpop", proof)),
        )
        .await
    };

    assert_eq!(
        ask("DPoP", Some(&used)).await.json,
        json!({ "transactions": [] })
    );

    let challenge = r#"DPoP realm="countersign", error="invalid_dpop_proof", algs="ES256""#;
    for proof in [None, Some(used.as_str()), Some("x")] {
        let answer = ask("DPoP", proof).await;
        assert_eq!(
            (answer.status, answer.text("code")),
            (401, "invalid_dpop_proof")
        );

        assert_eq!(answer.header("www-authenticate"), Some(challenge));
    }

    let fresh = proof("GET", path, Some(&token), "3");
    assert_eq!(
        ask("Bearer", Some(&fresh)).await.named(),
        (401, "invalid_token")
    );

    let with_query = app
        .request("GET", &format!("{path}?wait=0"))
        .header("authorization", format!("dpop {token}"));
    assert_eq!(
        send(with_query.header("dpop", fresh)).await.status,
        200,
        "a proof does not cover the query"
    );
}

async fn a_client_hears_how_to_present_a_token(database: Database) {
    let app = TestApp::start(database).await;
    let ask = async |path: &str, authorization: Option<&str>| {
        let mut request = app.request("GET", path);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = send(request).await;
        let challenge = answer.header("www-authenticate").unwrap().to_owned();
        (answer.status, challenge)
    };

    for path in ["/oauth/userinfo", "/device/v1/transactions"] {
        for (authorization, challenge) in [
            (
                None,
                r#"Bearer realm="countersign", DPoP realm="countersign", algs="ES256""#,
            ),
            (
                Some("Bearer x"),
                r#"Bearer realm="countersign", error="invalid_token""#,
            ),
            (
                Some("DPoP x"),
                r#"DPoP realm="countersign", error="invalid_token", algs="ES256""#,
            ),
        ] {
            assert_eq!(
                ask(path, authorization).await,
                (401, challenge.to_owned()),
                "{path} {authorization:?}"
            );
        }
    }
}

async fn proofs_may_have_to_contain_a_nonce(database: Database) {
    let app = TestApp::start_with(database, |settings, _| {
        settings.tokens = Arc::new(TokenSettings {
            dpop_nonces: true,
            ..TokenSettings::default()
        });
    })
    .await;
    let beside = app.beside().await;
    let phone = app.phone().await;

    let proof = |path: &str, token: Option<&str>, nonce: Option<&str>| {
        let url = format!("{}{path}", app.public_url);
        let expected = DpopExpectation {
            method: if token.is_some() { "GET" } else { "POST" },
            url: &url,
            access_token: token,
            now: app.clock.now(),
        };
        let jti = countersign::random::bytes::<16>(&SystemRandom);
        dpop::sign(phone.key(), &expected, &format!("{jti:?}"), nonce).unwrap()
    };

    let get_token = async |nonce: Option<&str>| {
        let form = token_form(&phone.client_assertion().unwrap());
        let request = app.request("POST", "/oauth/token").form(&form);
        send(request.header("dpop", proof("/oauth/token", None, nonce))).await
    };

    for wrong in [None, Some("x")] {
        let refused = get_token(wrong).await;
        assert_eq!(refused.named(), (400, "use_dpop_nonce"));
    }
    let nonce = get_token(None)
        .await
        .header("dpop-nonce")
        .unwrap()
        .to_owned();

    let issued = get_token(Some(&nonce)).await;
    assert_eq!(issued.status, 200);
    assert_eq!(issued.header("dpop-nonce"), Some(nonce.as_str()));
    let token = issued.text("access_token");

    // All servers ask for the same.
    let request = beside.request("POST", "/oauth/token").header("dpop", "x");
    let refused = send(request.form(&[("client_id", "x"), ("grant_type", "x")])).await;
    assert_eq!(refused.header("dpop-nonce"), Some(nonce.as_str()));

    // At a resource too.
    let path = "/device/v1/transactions";
    let ask = async |nonce: Option<&str>| {
        let request = app
            .request("GET", path)
            .header("authorization", format!("DPoP {token}"));
        send(request.header("dpop", proof(path, Some(token), nonce))).await
    };
    let refused = ask(None).await;
    assert_eq!(refused.named(), (401, "use_dpop_nonce"));
    assert_eq!(
        refused.header("www-authenticate"),
        Some(r#"DPoP realm="countersign", error="use_dpop_nonce", algs="ES256""#)
    );
    assert_eq!(ask(Some(&nonce)).await.status, 200);

    app.clock.advance(Duration::from_secs(600));
    let refused = get_token(Some(&nonce)).await;
    assert_eq!(refused.named(), (400, "use_dpop_nonce"));
    let next = refused.header("dpop-nonce").unwrap().to_owned();
    assert_ne!(next, nonce);
    assert_eq!(get_token(Some(&next)).await.status, 200);
}

async fn pages_of_a_clients_origins_may_ask(database: Database) {
    let app = TestApp::start_with(database, |settings, _| {
        for (id, redirect_uri, allowed_origins) in [
            ("spa", "https://spa.example/callback", None),
            ("other", "https://other.example/callback", None),
            (
                "wide",
                "https://wide.example/callback",
                Some(["https://www.example:8443".to_owned()].into()),
            ),
        ] {
            let mut client = WebClient::new(id.parse().unwrap(), None);
            client.redirect_uris = vec![redirect_uri.to_owned()];
            client.allowed_origins = allowed_origins;
            settings
                .web_clients
                .insert(client.client_id.clone(), client.into());
        }
    })
    .await;

    let allowed = async |method: &str, path: &str, origin: &str, client: Option<&str>| {
        let mut request = app.request(method, path).header("Origin", origin);
        if method == "OPTIONS" {
            request = request
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "content-type, dpop");
        }
        if let Some(client) = client {
            request = request.form(&[("client_id", client), ("token", "x")]);
        }

        let response = request.send().await.unwrap();
        let header = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        (
            response.status().as_u16(),
            header("access-control-allow-origin"),
        )
    };

    let (spa, wide) = ("https://spa.example", "https://www.example:8443");
    let foreign = ["https://evil.example", "null", "http://spa.example"];

    // Discovery and keys are everybody's.
    for path in ["/oauth/keys", "/.well-known/openid-configuration"] {
        let everybody = Some("*".to_owned());
        assert_eq!(
            allowed("GET", path, foreign[0], None).await,
            (200, everybody)
        );
        let asked = allowed("OPTIONS", path, foreign[0], None).await;
        assert_eq!(asked, (204, Some(foreign[0].to_owned())), "{path}");
    }

    for path in ["/oauth/token", "/oauth/revoke", "/oauth/userinfo"] {
        for origin in [spa, wide] {
            let asked = allowed("OPTIONS", path, origin, None).await;
            assert_eq!(asked, (204, Some(origin.to_owned())), "{path} {origin}");
        }
        for origin in foreign {
            let asked = allowed("OPTIONS", path, origin, None).await;
            assert_eq!(asked, (405, None), "{path} {origin}");
        }
    }

    // An answer is for the origins of the client that asks, errors included.
    for (client, origin, may_read) in [
        ("spa", spa, true),
        ("wide", wide, true),
        ("wide", "https://wide.example", false),
        ("other", spa, false),
        ("spa", wide, false),
        ("nobody", spa, false),
    ] {
        for path in ["/oauth/token", "/oauth/revoke"] {
            let (status, read) = allowed("POST", path, origin, Some(client)).await;
            assert!([200, 400, 401].contains(&status), "{status}");
            assert_eq!(
                read,
                may_read.then(|| origin.to_owned()),
                "{client} {origin} {path}"
            );
        }
    }

    let unauthorized = allowed("GET", "/oauth/userinfo", spa, None).await;
    assert_eq!(unauthorized, (401, Some(spa.to_owned())));
    let elsewhere = allowed("GET", "/device/v1/transactions", spa, None).await;
    assert_eq!(elsewhere, (401, None));
}
