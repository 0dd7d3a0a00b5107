//! Browsers remember logins.

use std::time::Duration;

use countersign::oauth::{AuthorizeRequest, Browser, PageRequestError};

use countersign::settings::{GrantType, WebClient};

use super::web::{CALLBACK, asks, log_in, parameter, remembered, text, web_world};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::user;

on_both_databases!(
    a_remembered_user_is_not_asked_again,
    a_client_may_ask_for_more,
    whoever_is_not_surely_the_client_meets_the_login_page,
    only_the_browser_that_began_a_login_remembers_it,
    a_verifier_lives_as_long_as_its_request,
);

const LOGIN: &str = "https://portal.example/login?";

async fn a_remembered_user_is_not_asked_again(database: Database) {
    let world = web_world(database);
    let browser = remembered(&world, "trusted").await;
    let address = world
        .token_server
        .authorization
        .authorize(&asks("trusted"), &browser)
        .await
        .unwrap()
        .address;

    assert!(
        address.starts_with(&format!("{CALLBACK}?code=")),
        "{address}"
    );

    let silent = AuthorizeRequest {
        prompt: text("none"),
        ..asks("trusted")
    };
    let address = world
        .token_server
        .authorization
        .authorize(&silent, &browser)
        .await
        .unwrap()
        .address;

    assert!(
        address.starts_with(&format!("{CALLBACK}?code=")),
        "{address}"
    );

    // Another client still has to ask the same user for consent.
    let address = world
        .token_server
        .authorization
        .authorize(&asks("web"), &browser)
        .await
        .unwrap()
        .address;

    assert!(
        address.starts_with("https://portal.example/consent?"),
        "{address}"
    );

    let logins = world.events_of(&user("alice")).await;
    assert!(
        logins
            .iter()
            .filter(|event| *event == "AUTHZ_REQUEST_GRANT_CREATED")
            .count()
            >= 3,
        "{logins:?}"
    );

    let forged = Browser {
        session: browser.recognition.clone(),
        recognition: browser.session.clone(),
    };
    let address = world
        .token_server
        .authorization
        .authorize(&asks("trusted"), &forged)
        .await
        .unwrap()
        .address;

    assert!(address.starts_with(LOGIN), "{address}");
    world.clock.advance(Duration::from_secs(30 * 86_400));

    let address = world
        .token_server
        .authorization
        .authorize(&asks("trusted"), &browser)
        .await
        .unwrap()
        .address;

    assert!(address.starts_with(LOGIN), "{address}");
}

async fn a_client_may_ask_for_more(database: Database) {
    let world = web_world(database);
    let browser = remembered(&world, "trusted").await;
    world.clock.advance(Duration::from_secs(100));
    let none = || asks("trusted");

    for (request, known) in [
        (
            AuthorizeRequest {
                prompt: text("login"),
                ..none()
            },
            false,
        ),
        (
            AuthorizeRequest {
                prompt: text("select_account"),
                ..none()
            },
            false,
        ),
        (
            AuthorizeRequest {
                max_age: text("0"),
                ..none()
            },
            false,
        ),
        (
            AuthorizeRequest {
                max_age: text("99"),
                ..none()
            },
            false,
        ),
        (
            AuthorizeRequest {
                max_age: text("100"),
                ..none()
            },
            true,
        ),
        (
            AuthorizeRequest {
                acr_values: text("gold"),
                ..none()
            },
            false,
        ),
        (
            AuthorizeRequest {
                acr_values: text("gold silver"),
                ..none()
            },
            true,
        ),
    ] {
        let address = world
            .token_server
            .authorization
            .authorize(&request, &browser)
            .await
            .unwrap()
            .address;

        assert_eq!(
            address.starts_with(CALLBACK),
            known,
            "{request:?}: {address}"
        );

        assert_eq!(address.starts_with(LOGIN), !known, "{request:?}: {address}");

        if request.prompt.is_none() && !known {
            let silent = AuthorizeRequest {
                prompt: text("none"),
                ..request
            };
            let address = world
                .token_server
                .authorization
                .authorize(&silent, &browser)
                .await
                .unwrap()
                .address;

            assert_eq!(parameter(&address, "error"), "login_required");
        }
    }
}

async fn whoever_is_not_surely_the_client_meets_the_login_page(database: Database) {
    let world = web_world(database);
    world.configure(|settings| {
        for (id, redirect_uri) in [
            ("native", "native://callback"),
            ("loopback", "http://127.0.0.1/callback"),
            ("spa", "https://spa.example/callback"),
        ] {
            let mut client = WebClient::new(id.parse().unwrap(), None);
            client.redirect_uris = vec![redirect_uri.to_owned()];
            client.scopes = ["openid".to_owned()].into();
            client.grant_types = [GrantType::AuthorizationCode].into();
            client.skip_consent = true;
            settings
                .web_clients
                .insert(client.client_id.clone(), client.into());
        }
    });

    let installation = world.install().await;
    let browser = remembered(&world, "trusted").await;

    for (client, redirect_uri, is_sure) in [
        ("spa", "https://spa.example/callback", true),
        ("native", "native://callback", false),
        ("loopback", "http://127.0.0.1:4711/callback", false),
        (installation.id().as_str(), "bank://login", false),
    ] {
        for prompt in [None, text("none")] {
            let is_silent = prompt.is_some();
            let request = AuthorizeRequest {
                redirect_uri: text(redirect_uri),
                scope: text(if client.len() > 10 {
                    "device user"
                } else {
                    "openid"
                }),
                prompt,
                ..asks(client)
            };
            let authorization = &world.token_server.authorization;
            let address = authorization.authorize(&request, &browser).await;
            let address = address.unwrap().address;

            let expected = match (is_sure, is_silent) {
                (true, _) => format!("{redirect_uri}?code="),
                (false, true) => format!("{redirect_uri}?error=login_required"),
                (false, false) => "https://portal.example/login?".to_owned(),
            };
            assert!(address.starts_with(&expected), "{client}: {address}");
        }
    }
}

async fn only_the_browser_that_began_a_login_remembers_it(database: Database) {
    let world = web_world(database);
    let begin = async || {
        let begun = world
            .token_server
            .authorization
            .authorize(&asks("trusted"), &Browser::default())
            .await
            .unwrap();

        parameter(
            &log_in(&world, &begun.address, "mallory", true)
                .await
                .unwrap(),
            "login_verifier",
        )
    };

    let elsewhere = world
        .token_server
        .logins
        .resume(&begin().await, &Browser::default())
        .await
        .unwrap();

    assert!(
        elsewhere.address.starts_with(CALLBACK) && elsewhere.cookie.is_none(),
        "{elsewhere:?}"
    );

    let victim = remembered(&world, "trusted").await;
    let elsewhere = world
        .token_server
        .logins
        .resume(&begin().await, &victim)
        .await
        .unwrap();

    assert_eq!(elsewhere.cookie, None);
}

async fn a_verifier_lives_as_long_as_its_request(database: Database) {
    let world = web_world(database);
    let begun = world
        .token_server
        .authorization
        .authorize(&asks("trusted"), &Browser::default())
        .await
        .unwrap();

    let resume = log_in(&world, &begun.address, "alice", true).await.unwrap();
    world.clock.advance(Duration::from_secs(600));

    let late = world
        .token_server
        .logins
        .resume(&parameter(&resume, "login_verifier"), &Browser::default())
        .await;

    assert_eq!(late, Err(PageRequestError::NotFound));

    for unknown in ["", "x", &"A".repeat(43)] {
        let refused = world
            .token_server
            .logins
            .resume(unknown, &Browser::default())
            .await;

        assert_eq!(refused, Err(PageRequestError::NotFound));
    }
}
