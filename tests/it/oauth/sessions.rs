//! Browsers remember logins.

use std::time::Duration;

use countersign::oauth::{
    AcceptConsent, AuthorizeRefusal, AuthorizeRequest, Browser, PageRequestError, Rejection,
};

use countersign::settings::{GrantType, TokenSettings, WebClient};

use super::login::{authorize, returned, this_browser};
use super::web::{CALLBACK, asks, log_in, parameter, redeem, remembered, tell, text, web_world};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{secret_of, user};

on_both_databases!(
    a_remembered_user_is_not_asked_again,
    a_client_may_ask_for_more,
    whoever_is_not_surely_the_client_meets_the_login_page,
    only_the_browser_that_began_goes_on,
    a_verifier_lives_as_long_as_its_request,
    nobody_but_the_user_of_the_hint_is_logged_in,
    a_log_in_that_nobody_uses_is_forgotten,
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

async fn only_the_browser_that_began_goes_on(database: Database) {
    let world = web_world(database);
    let endpoint = &world.token_server.authorization;
    let (logins, consents) = (&world.token_server.logins, &world.token_server.consents);
    let asked = async |client| authorize(&world, &asks(client)).await.unwrap();
    let to_consent = async || {
        let page = log_in(&world, &asked("web").await, "mallory", false).await;
        parameter(&page.unwrap(), "consent_challenge")
    };

    let (allow, no) = (AcceptConsent::default(), Rejection::default());
    let login_challenge = parameter(&asked("trusted").await, "login_challenge");
    let answered = [
        tell(&world, &asked("trusted").await, "mallory", false).await,
        tell(&world, &asked("trusted").await, "mallory", true).await,
        logins.reject(&login_challenge, &no).await,
        consents.accept(&to_consent().await, &allow).await,
        consents.reject(&to_consent().await, &no).await,
    ];

    let victim = remembered(&world, "trusted").await;
    let other = OtherBrowsers::of(&victim);

    for resume in answered {
        let resume = resume.unwrap();
        let verifier = parameter(&resume, "verifier");

        for browser in [&other.without_cookies, &other.of_a_user, &other.forged] {
            let refused = endpoint.resume(&verifier, browser).await;
            assert_eq!(refused, Err(AuthorizeRefusal::OtherBrowser), "{browser:?}");
        }

        // Nothing was used up: the browser that began goes on.
        let address = returned(&world, &resume).await.unwrap();
        assert!(address.starts_with(CALLBACK), "{address}");

        let again = returned(&world, &resume).await;
        assert_eq!(again, Err(AuthorizeRefusal::Expired));
    }
}

/// Browsers that did not begin.
struct OtherBrowsers {
    without_cookies: Browser,
    of_a_user: Browser,
    forged: Browser,
}

impl OtherBrowsers {
    fn of(victim: &Browser) -> Self {
        Self {
            without_cookies: Browser::default(),
            of_a_user: victim.clone(),
            forged: Browser {
                recognition: victim.session.clone(),
                session: this_browser().recognition,
            },
        }
    }
}

async fn a_verifier_lives_as_long_as_its_request(database: Database) {
    let world = web_world(database);
    let begin = async || authorize(&world, &asks("trusted")).await.unwrap();

    let in_time = tell(&world, &begin().await, "alice", true).await.unwrap();
    world.clock.advance(Duration::from_secs(599));
    returned(&world, &in_time).await.unwrap();

    let late = tell(&world, &begin().await, "alice", true).await.unwrap();
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(
        returned(&world, &late).await,
        Err(AuthorizeRefusal::Expired)
    );

    // Who needs all of the time to log in still has a minute to come back.
    let begun = begin().await;
    world.clock.advance(Duration::from_secs(599));
    let at_last = tell(&world, &begun, "alice", false).await.unwrap();
    world.clock.advance(Duration::from_secs(59));
    returned(&world, &at_last).await.unwrap();

    let endpoint = &world.token_server.authorization;
    for unknown in ["", "x", &"A".repeat(43)] {
        let refused = endpoint.resume(unknown, &this_browser()).await;
        assert_eq!(refused, Err(AuthorizeRefusal::Expired));
    }
}

async fn nobody_but_the_user_of_the_hint_is_logged_in(database: Database) {
    let world = web_world(database);
    let endpoint = &world.token_server.authorization;
    let openid = |hint: Option<&str>, prompt: Option<&str>| AuthorizeRequest {
        scope: text("openid"),
        id_token_hint: hint.map(str::to_owned),
        prompt: prompt.map(str::to_owned),
        ..asks("trusted")
    };

    let page = authorize(&world, &openid(None, None)).await.unwrap();
    let back = log_in(&world, &page, "bob", false).await.unwrap();
    let credentials = secret_of("trusted", "trusted secret");
    let tokens = redeem(&world, credentials, &parameter(&back, "code")).await;
    let of_bob = tokens.unwrap().id_token.unwrap();

    // The browser remembers Alice.
    let browser = remembered(&world, "trusted").await;
    let address = async |request: &AuthorizeRequest| {
        let redirect = endpoint.authorize(request, &browser).await;
        redirect.unwrap().address
    };

    let silent = address(&openid(Some(&of_bob), Some("none"))).await;
    assert_eq!(parameter(&silent, "error"), "login_required");

    let page = address(&openid(Some(&of_bob), None)).await;
    assert!(page.starts_with(LOGIN), "{page}");
    let challenge = parameter(&page, "login_challenge");
    let told = world.token_server.logins.request(&challenge).await.unwrap();
    assert_eq!(told.login_hint.as_deref(), Some("bob"));

    let other = tell(&world, &page, "alice", false).await;
    assert!(matches!(
        other,
        Err(PageRequestError::InvalidParameter {
            parameter: "subject",
            ..
        })
    ));
    tell(&world, &page, "bob", false).await.unwrap();

    // Expired, it still says who was meant.
    world.clock.advance(Duration::from_secs(7200));
    let silent = address(&openid(Some(&of_bob), Some("none"))).await;
    assert_eq!(parameter(&silent, "error"), "login_required");

    let mut forged = of_bob.clone();
    forged.pop();
    for garbage in ["x", "a.b.c", &forged] {
        let refused = address(&openid(Some(garbage), None)).await;
        assert_eq!(parameter(&refused, "error"), "invalid_request", "{garbage}");
    }

    // Another client's says nothing.
    let elsewhere = AuthorizeRequest {
        scope: text("openid"),
        id_token_hint: Some(of_bob),
        ..asks("web")
    };
    let refused = address(&elsewhere).await;
    assert_eq!(parameter(&refused, "error"), "invalid_request");
}

async fn a_log_in_that_nobody_uses_is_forgotten(database: Database) {
    let world = web_world(database);
    world.configure(|settings| {
        settings.tokens = TokenSettings {
            session_idle_seconds: 3_600,
            session_max_seconds: 8_000,
            ..TokenSettings::default()
        }
        .into();
    });
    let is_known = async |browser: &Browser| {
        let endpoint = &world.token_server.authorization;
        let redirect = endpoint.authorize(&asks("trusted"), browser).await;
        redirect.unwrap().address.starts_with(CALLBACK)
    };

    let (used, unused) = (
        remembered(&world, "trusted").await,
        remembered(&world, "trusted").await,
    );
    world.clock.advance(Duration::from_secs(3_599));
    assert!(is_known(&used).await);
    world.clock.advance(Duration::from_secs(1));
    assert!(!is_known(&unused).await);

    // Each use begins the idle time anew, up to the end.
    world.clock.advance(Duration::from_secs(3_500));
    assert!(is_known(&used).await);
    world.clock.advance(Duration::from_secs(899));
    assert!(is_known(&used).await);
    world.clock.advance(Duration::from_secs(1));
    assert!(!is_known(&used).await);
}
