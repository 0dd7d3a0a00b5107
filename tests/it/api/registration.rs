//! Registration of devices over HTTP (RFC 7591, RFC 7592).

use std::sync::Arc;

use countersign::jose::PrivateJwk;
use countersign::random::SystemRandom;
use countersign::secret::sha256;
use countersign::settings::{Application, InitialAccessToken};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::databases::{Database, on_both_databases};
use crate::support::http::{Answer, send};

on_both_databases!(
    a_device_registers_changes_and_is_deleted,
    wrong_metadata_is_refused,
    a_token_needs_a_grant_and_a_proof,
    an_application_may_ask_for_an_initial_access_token,
);

fn metadata() -> Value {
    let key = PrivateJwk::generate(&SystemRandom).unwrap();
    json!({
        "software_id": "bank",
        "software_version": "1.0",
        "platform": "android",
        "device_name": "Alice's phone",
        "jwks": { "keys": [key.public()] },
        "token_endpoint_auth_method": "private_key_jwt",
    })
}

async fn register(app: &TestApp, metadata: &Value) -> Answer {
    send(app.request("POST", "/oauth/register").json(metadata)).await
}

async fn a_device_registers_changes_and_is_deleted(database: Database) {
    let app = TestApp::start(database).await;
    let mut metadata = metadata();
    let made = register(&app, &metadata).await;
    assert_eq!(
        (made.status, &made.json["client_id_issued_at"]),
        (201, &json!(1_800_000_000))
    );

    for member in [
        "software_id",
        "software_version",
        "platform",
        "device_name",
        "jwks",
        "token_endpoint_auth_method",
    ] {
        assert_eq!(made.json[member], metadata[member], "{member}");
    }

    let (id, token) = (
        made.text("client_id"),
        made.text("registration_access_token"),
    );
    assert_eq!(
        made.text("registration_client_uri"),
        format!("{}/oauth/register/{id}", app.public_url)
    );

    let path = format!("/oauth/register/{id}");
    let read = send(app.request("GET", &path).bearer_auth(token)).await;
    assert_eq!((read.status, &read.json), (200, &made.json));
    for (member, value) in [
        ("client_name", json!("Demo Bank")),
        ("redirect_uris", json!(["bank://login"])),
        ("scope", json!("device user openid offline_access")),
    ] {
        assert_eq!(read.json[member], value, "{member}");
    }

    metadata["client_id"] = id.into();
    metadata["device_name"] = "A phone".into();
    let changed = send(app.request("PUT", &path).bearer_auth(token).json(&metadata)).await;
    assert_eq!(
        (changed.status, changed.text("device_name")),
        (200, "A phone")
    );

    assert_eq!(
        send(app.request("DELETE", &path).bearer_auth(token))
            .await
            .status,
        204
    );

    assert_eq!(
        send(app.request("GET", &path).bearer_auth(token))
            .await
            .named(),
        (401, "invalid_token")
    );
}

async fn wrong_metadata_is_refused(database: Database) {
    let app = TestApp::start(database).await;
    for member in [
        "software_id",
        "software_version",
        "platform",
        "jwks",
        "token_endpoint_auth_method",
    ] {
        let mut missing = metadata();
        missing.as_object_mut().unwrap().remove(member);

        assert_eq!(
            register(&app, &missing).await.named(),
            (400, "invalid_client_metadata"),
            "{member}"
        );
    }

    let closed = Value::Object({
        let mut metadata = metadata().as_object().unwrap().clone();
        metadata.insert("software_version".to_owned(), "9.9".into());
        metadata
    });

    assert_eq!(
        register(&app, &closed).await.named(),
        (400, "invalid_client_metadata")
    );

    for body in ["", "[]", "{", r#"{"platform":"ios","platform":"android"}"#] {
        let request = app
            .request("POST", "/oauth/register")
            .header("content-type", "application/json");
        assert_eq!(
            send(request.body(body)).await.named(),
            (400, "invalid_request"),
            "{body}"
        );
    }
}

async fn a_token_needs_a_grant_and_a_proof(database: Database) {
    let app = TestApp::start(database).await;
    let phone = app.phone().await;
    let post = |form: &[(&str, &str)]| send(app.request("POST", "/oauth/token").form(form));
    let kind = countersign::oauth::CLIENT_ASSERTION_TYPE;
    let proof = || phone.client_assertion().unwrap();
    let assertion = proof();
    let with = |grant: &'static str| {
        let assertion = proof();
        async move {
            let form = [
                ("grant_type", grant),
                ("client_assertion_type", kind),
                ("client_assertion", &assertion),
            ];

            post(&form).await
        }
    };

    let issued = with("client_credentials").await;
    assert_eq!(
        (
            issued.status,
            issued.text("token_type"),
            issued.text("scope")
        ),
        (200, "Bearer", "device")
    );

    assert_eq!(issued.json["expires_in"], 900);

    assert_eq!(
        with("password").await.named(),
        (400, "unsupported_grant_type")
    );

    assert_eq!(with("").await.named(), (400, "invalid_request"));
    assert_eq!(with("authorization_code").await.status, 400);

    assert_eq!(
        post(&[("grant_type", "client_credentials")]).await.named(),
        (401, "invalid_client")
    );

    let wrong_kind = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:other"),
        ("client_assertion", &assertion),
    ];

    assert_eq!(post(&wrong_kind).await.named(), (400, "invalid_request"));

    let twice = [
        ("grant_type", "client_credentials"),
        ("grant_type", "client_credentials"),
    ];
    assert_eq!(post(&twice).await.named(), (400, "invalid_request"));

    let once = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", kind),
        ("client_assertion", &assertion),
    ];

    assert_eq!(post(&once).await.status, 200);

    // An assertion can be used once.
    assert_eq!(post(&once).await.named(), (401, "invalid_client"));
}

async fn an_application_may_ask_for_an_initial_access_token(database: Database) {
    let app = TestApp::start_with(database, |settings, _| {
        let shop = Application::new("shop".parse().unwrap());
        settings
            .applications
            .insert(shop.id.clone(), Arc::new(shop));
        let bank = settings
            .applications
            .values_mut()
            .find(|known| known.id.as_str() == "bank");
        Arc::make_mut(bank.unwrap()).initial_access_token_required = true;

        for (name, application) in [("of the bank", "bank"), ("of the shop", "shop")] {
            let token = InitialAccessToken {
                name: name.to_owned(),
                token_hash: sha256(name.as_bytes()),
                applications: [application.to_owned()].into(),
            };
            settings
                .initial_access_tokens
                .insert(name.to_owned(), Arc::new(token));
        }
    })
    .await;

    let register = async |token: Option<&str>| {
        let request = app.request("POST", "/oauth/register").json(&metadata());
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        send(request).await
    };

    for token in [None, Some("of the shop"), Some("of nobody"), Some("")] {
        let refused = register(token).await;
        assert_eq!(
            (refused.status, refused.text("error")),
            (401, "invalid_token"),
            "{token:?}"
        );
        assert!(
            refused.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer")
        );
    }
    assert_eq!(register(Some("of the bank")).await.status, 201);
}
