//! Requests that clients push.

use std::time::Duration;

use countersign::oauth::{AuthorizeRefusal, AuthorizeRequest, OAuthError, PushedRequestError};
use serde_json::json;

use super::login::{authorize, authorize_request};
use super::web::{CALLBACK, asks, text, web_world};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::secret_of;

on_both_databases!(
    a_pushed_request_is_good_once,
    a_pushed_request_is_checked,
    a_device_pushes_with_an_assertion,
);

fn by_name(client: &str, request_uri: &str) -> AuthorizeRequest {
    // Other parameters beside it are ignored.
    let changed = AuthorizeRequest {
        scope: text("admin"),
        redirect_uri: text("https://evil.test/"),
        ..asks(client)
    };

    AuthorizeRequest {
        request_uri: text(request_uri),
        ..changed
    }
}

async fn a_pushed_request_is_good_once(database: Database) {
    let world = web_world(database);
    let push = async |client: &str| {
        let credentials = secret_of(client, &format!("{client} secret"));
        world
            .token_server
            .pushed_requests
            .push(&credentials, None, asks(client))
            .await
            .unwrap()
    };

    let pushed = push("pushy").await;
    assert_eq!(pushed.expires_in, Duration::from_secs(90));

    assert!(
        pushed
            .request_uri
            .starts_with("urn:ietf:params:oauth:request_uri:"),
        "{}",
        pushed.request_uri
    );

    let swapped = authorize(&world, &by_name("web", &pushed.request_uri)).await;
    assert_eq!(swapped, Err(AuthorizeRefusal::RequestUri));

    let address = authorize(&world, &by_name("pushy", &pushed.request_uri))
        .await
        .unwrap();
    assert!(
        address.starts_with("https://portal.example/login?"),
        "{address}"
    );

    let again = authorize(&world, &by_name("pushy", &pushed.request_uri)).await;
    assert_eq!(again, Err(AuthorizeRefusal::RequestUri));
    let late = push("web").await;
    world.clock.advance(Duration::from_secs(90));

    assert_eq!(
        authorize(&world, &by_name("web", &late.request_uri)).await,
        Err(AuthorizeRefusal::RequestUri)
    );

    for unknown in [
        "https://evil.test/request",
        "urn:ietf:params:oauth:request_uri:",
        "x",
    ] {
        assert_eq!(
            authorize(&world, &by_name("web", unknown)).await,
            Err(AuthorizeRefusal::RequestUri)
        );
    }
}

async fn a_pushed_request_is_checked(database: Database) {
    let world = web_world(database);
    let push = async |client: &str, secret: &str, request| {
        let credentials = secret_of(client, secret);
        let refused = world
            .token_server
            .pushed_requests
            .push(&credentials, None, request)
            .await
            .unwrap_err();

        match refused {
            PushedRequestError::Client(error) => error.code(),
            PushedRequestError::Request(error) => error.code,
        }
    };

    assert_eq!(push("web", "wrong", asks("web")).await, "invalid_client");

    for (request, error) in [
        (
            AuthorizeRequest {
                redirect_uri: None,
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                redirect_uri: text("https://evil.test/"),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                request_uri: text("urn:x"),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                request: text("e30"),
                ..asks("web")
            },
            "request_not_supported",
        ),
        (
            AuthorizeRequest {
                scope: text("admin"),
                ..asks("web")
            },
            "invalid_scope",
        ),
        (
            AuthorizeRequest {
                resource: text("x"),
                ..asks("web")
            },
            "invalid_target",
        ),
        (
            AuthorizeRequest {
                code_challenge: None,
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                response_type: text("token"),
                ..asks("web")
            },
            "unsupported_response_type",
        ),
    ] {
        assert_eq!(
            push("web", "web secret", request.clone()).await,
            error,
            "{request:?}"
        );
    }
}

async fn a_device_pushes_with_an_assertion(database: Database) {
    let world = web_world(database);
    let installation = world.install().await;
    let credentials = installation.assertion(world.clock.now(), &json!({}));

    let request = || AuthorizeRequest {
        client_id: None,
        ..authorize_request(&installation)
    };
    let pushed = world
        .token_server
        .pushed_requests
        .push(&credentials, None, request())
        .await
        .unwrap();

    let by_name = AuthorizeRequest {
        client_id: text(installation.id().as_str()),
        request_uri: Some(pushed.request_uri),
        ..AuthorizeRequest::default()
    };

    let address = authorize(&world, &by_name).await.unwrap();
    assert!(
        address.starts_with("https://portal.example/login?") && !address.contains(CALLBACK),
        "{address}"
    );

    let replayed = world
        .token_server
        .pushed_requests
        .push(&credentials, None, request())
        .await;

    assert_eq!(
        replayed,
        Err(PushedRequestError::Client(OAuthError::InvalidClient))
    );
}
