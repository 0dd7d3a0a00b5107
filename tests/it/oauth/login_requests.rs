//! The login page's side of a login.

use std::time::Duration;

use countersign::ids::ClientId;
use countersign::oauth::{AcceptLogin, PageRequestError, Rejection};

use super::login::{accept, begin, parameters, returned};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{ISSUER, World, user};

on_both_databases!(
    the_login_page_is_told_what_the_client_asks,
    a_challenge_is_answered_once,
    a_challenge_lives_for_ten_minutes,
    a_rejection_reaches_the_application,
    answers_are_bounded,
);

async fn the_login_page_is_told_what_the_client_asks(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let challenge = begin(&world, &installation).await;
    let request = world.token_server.logins.request(&challenge).await.unwrap();
    assert_eq!(
        (request.client_id.as_str(), request.client_name.as_str()),
        (installation.id().as_str(), "Demo Bank")
    );

    let installed = request.installation.unwrap();
    assert_eq!(
        (installed.application.as_str(), installed.name.as_str()),
        ("Demo Bank", "A phone")
    );
    assert_eq!(request.scope, "device user");

    assert_eq!(
        request.expires_at.since(request.requested_at),
        Duration::from_secs(600)
    );

    let resume = accept(&world, &challenge).await.unwrap();
    let address = returned(&world, &resume).await.unwrap();
    let parameters = parameters(&address);
    assert_eq!(
        (parameters["state"].as_str(), parameters["iss"].as_str()),
        ("state &=#", ISSUER)
    );

    assert_eq!(parameters["code"].len(), 43);

    assert_eq!(
        world.events_of(&user("alice")).await,
        ["AUTHZ_REQUEST_GRANT_CREATED"]
    );
}

async fn a_challenge_is_answered_once(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let challenge = begin(&world, &installation).await;
    let results = futures_util::future::join_all((0..8).map(|_| accept(&world, &challenge))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let answered = PageRequestError::AlreadyAnswered;
    assert!(
        results
            .iter()
            .all(|result| result.is_ok() || *result == Err(answered))
    );

    assert_eq!(
        world.token_server.logins.request(&challenge).await,
        Err(answered)
    );

    assert_eq!(
        world
            .token_server
            .logins
            .reject(&challenge, &Rejection::default())
            .await,
        Err(answered)
    );

    for unknown in ["", "x", &"A".repeat(43), &"x".repeat(10_000)] {
        assert_eq!(
            world.token_server.logins.request(unknown).await,
            Err(PageRequestError::NotFound)
        );

        assert_eq!(
            accept(&world, unknown).await,
            Err(PageRequestError::NotFound)
        );
    }
}

async fn a_challenge_lives_for_ten_minutes(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    let (in_time, late) = (
        begin(&world, &installation).await,
        begin(&world, &installation).await,
    );

    world.clock.advance(Duration::from_millis(599_999));
    accept(&world, &in_time).await.unwrap();
    world.clock.advance(Duration::from_millis(1));

    assert_eq!(
        world.token_server.logins.request(&late).await,
        Err(PageRequestError::NotFound)
    );

    assert_eq!(accept(&world, &late).await, Err(PageRequestError::NotFound));
}

async fn a_rejection_reaches_the_application(database: Database) {
    let world = World::new(database);
    let installation = world.install().await;
    for (answer, error, description) in [
        (Rejection::default(), "access_denied", None),
        (
            Rejection {
                error: Some("login_required".to_owned()),
                error_description: Some("Not now.".to_owned()),
            },
            "login_required",
            Some("Not now."),
        ),
    ] {
        let challenge = begin(&world, &installation).await;
        let address = world
            .token_server
            .logins
            .reject(&challenge, &answer)
            .await
            .unwrap();
        let address = returned(&world, &address).await.unwrap();

        assert!(address.starts_with("bank://login?error="), "{address}");
        let parameters = parameters(&address);
        assert_eq!(parameters["error"], error);

        assert_eq!(
            parameters.get("error_description").map(String::as_str),
            description
        );

        assert_eq!(
            (parameters["state"].as_str(), parameters["iss"].as_str()),
            ("state &=#", ISSUER)
        );

        assert!(!parameters.contains_key("code"));

        assert_eq!(
            accept(&world, &challenge).await,
            Err(PageRequestError::AlreadyAnswered)
        );
    }
}

async fn answers_are_bounded(database: Database) {
    let world = World::new(database);
    let challenge = begin(&world, &world.install().await).await;
    let portal: ClientId = "portal".parse().unwrap();

    let good = || AcceptLogin::of(user("alice"));

    for (answer, named) in [
        (
            AcceptLogin {
                amr: vec!["pwd".to_owned(); 11],
                ..good()
            },
            "amr",
        ),
        (
            AcceptLogin {
                amr: vec!["x".repeat(65)],
                ..good()
            },
            "amr",
        ),
        (
            AcceptLogin {
                amr: vec![String::new()],
                ..good()
            },
            "amr",
        ),
        (
            AcceptLogin {
                acr: Some("x".repeat(256)),
                ..good()
            },
            "acr",
        ),
        (
            AcceptLogin {
                acr: Some(String::new()),
                ..good()
            },
            "acr",
        ),
    ] {
        let result = world
            .token_server
            .logins
            .accept(Some(&portal), &challenge, &answer)
            .await;

        assert!(
            matches!(result, Err(PageRequestError::InvalidParameter { parameter, .. }) if parameter == named)
        );
    }

    let text = |text: &str| Some(text.to_owned());
    for (error, error_description, named) in [
        (text("anything"), None, "error"),
        (text(""), None, "error"),
        (None, text("a \"quote\""), "error_description"),
        (None, text("a\nline"), "error_description"),
        (None, text(&"x".repeat(256)), "error_description"),
    ] {
        let result = world
            .token_server
            .logins
            .reject(
                &challenge,
                &Rejection {
                    error,
                    error_description,
                },
            )
            .await;

        assert!(
            matches!(result, Err(PageRequestError::InvalidParameter { parameter, .. }) if parameter == named)
        );
    }

    accept(&world, &challenge)
        .await
        .expect("nothing was used up");
}
