//! What an application may ask for, and where the user is sent.

use countersign::oauth::{AuthorizeRefusal, AuthorizeRequest};
use countersign::settings::VersionStatus;

use super::login::{authorize, authorize_request, parameters};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{ISSUER, World};

on_both_databases!(
    a_bad_client_or_redirect_uri_is_never_redirected_to,
    other_errors_go_back_to_the_application,
    scope_and_state_are_optional,
);

async fn a_bad_client_or_redirect_uri_is_never_redirected_to(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let good = || authorize_request(&installation);
    let mut refused = vec![
        AuthorizeRequest {
            client_id: None,
            ..good()
        },
        AuthorizeRequest {
            client_id: Some(String::new()),
            ..good()
        },
        AuthorizeRequest {
            client_id: Some("0".repeat(64)),
            ..good()
        },
        AuthorizeRequest {
            client_id: Some(format!(" {}", installation.id())),
            ..good()
        },
        AuthorizeRequest {
            client_id: Some("portal".to_owned()),
            ..good()
        },
        AuthorizeRequest {
            redirect_uri: None,
            ..good()
        },
    ];

    for trick in [
        "",
        "bank://login/",
        "bank://login?x",
        "bank://login#",
        "bank://Login",
        "bank://login@evil.test",
        "bank://login.evil.test",
        "https://bank.example/cb",
        "https://bank.example/cb?x=1&y=2",
        "https://bank.example/cb?x=1#",
        "https://bank.example:443/cb?x=1",
        "https://bank.example./cb?x=1",
        "https://BANK.example/cb?x=1",
        "https://bank.example/%63b?x=1",
        "https://user:pass@bank.example/cb?x=1",
        "https://bank.example@evil.test@bank.example/cb?x=1",
        "https://bank.example\\@evil.test/cb?x=1",
        "https://bank.example\t/cb?x=1",
        "https://attackerbank.example/cb?x=1",
        "http://localhost.evil.test/cb",
        "https://bаnk.example/cb?x=1",
        "javascript:alert(1)",
    ] {
        refused.push(AuthorizeRequest {
            redirect_uri: Some(trick.to_owned()),
            ..good()
        });
    }

    for request in refused {
        let result = authorize(&world, &request).await;
        assert_eq!(
            result,
            Err(AuthorizeRefusal::ClientOrRedirectUri),
            "{request:?}"
        );
    }
}

async fn other_errors_go_back_to_the_application(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let good = || authorize_request(&installation);
    let text = |text: &str| Some(text.to_owned());
    let long_state = "s".repeat(4097);
    for (request, error) in [
        (
            AuthorizeRequest {
                response_type: None,
                ..good()
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                response_type: text("token"),
                ..good()
            },
            "unsupported_response_type",
        ),
        (
            AuthorizeRequest {
                response_type: text("code token"),
                ..good()
            },
            "unsupported_response_type",
        ),
        (
            AuthorizeRequest {
                scope: text("admin"),
                ..good()
            },
            "invalid_scope",
        ),
        (
            AuthorizeRequest {
                scope: text(&"user ".repeat(10_000)),
                ..good()
            },
            "invalid_scope",
        ),
        (
            AuthorizeRequest {
                code_challenge: None,
                ..good()
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                code_challenge: text("short"),
                ..good()
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                code_challenge_method: None,
                ..good()
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                code_challenge_method: text("plain"),
                ..good()
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                state: Some(long_state),
                ..good()
            },
            "invalid_request",
        ),
    ] {
        let address = authorize(&world, &request).await.unwrap();
        assert!(address.starts_with("bank://login?error="), "{address}");
        let parameters = parameters(&address);
        assert_eq!(
            (parameters["error"].as_str(), parameters["iss"].as_str()),
            (error, ISSUER),
            "{request:?}"
        );

        assert_eq!(parameters.get("state"), request.state.as_ref());
    }

    let with_query = Some("https://bank.example/cb?x=1".to_owned());
    let request = AuthorizeRequest {
        redirect_uri: with_query,
        scope: Some(String::new()),
        ..good()
    };

    let address = authorize(&world, &request).await.unwrap();
    assert!(
        address.starts_with("https://bank.example/cb?x=1&error=invalid_scope&"),
        "{address}"
    );

    world.set_status("1.0", VersionStatus::Disabled);
    let address = authorize(&world, &good()).await.unwrap();
    assert_eq!(parameters(&address)["error"], "unauthorized_client");
}

async fn scope_and_state_are_optional(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let request = AuthorizeRequest {
        scope: None,
        state: None,
        ..authorize_request(&installation)
    };

    let address = authorize(&world, &request).await.unwrap();
    assert!(
        address.starts_with("https://portal.example/login?login_challenge="),
        "{address}"
    );
}
