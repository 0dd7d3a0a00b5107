//! Appliances without a browser.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use countersign::oauth::{
    AcceptConsent, ApplianceAuthorization, AuthorizeRefusal, Browser, OAuthError, PageRequestError,
    Rejection, TokenRequest, TokenResponse, UserCodeRefusal,
};

use super::login::{returned, this_browser};
use super::web::{consent, log_in, parameter, remembered, web_world};
use crate::support::databases::{Database, on_both_databases};
use crate::support::world::{ISSUER, World, secret_of, user};

on_both_databases!(
    an_appliance_gets_tokens_once_its_user_allows_it,
    an_appliance_that_polls_too_often_waits_longer,
    an_appliance_is_told_of_a_refusal,
    an_appliance_waits_for_ten_minutes,
    a_device_code_is_its_clients_own_and_good_once,
    user_codes_cannot_be_guessed,
    a_remembered_user_still_has_to_allow_it,
    of_two_answers_the_first_counts,
);

const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(world: &World) -> ApplianceAuthorization {
    let credentials = secret_of("tv", "tv secret");
    world
        .token_server
        .appliances
        .authorize(&credentials, Some("orders"), None)
        .await
        .unwrap()
}

async fn poll_as(
    world: &World,
    client: &str,
    device: &ApplianceAuthorization,
) -> Result<TokenResponse, OAuthError> {
    let credentials = secret_of(client, &format!("{client} secret"));
    let device_code = Some(device.device_code.clone());
    world
        .token_server
        .grants
        .token(&TokenRequest {
            device_code,
            ..TokenRequest::new(credentials, GRANT)
        })
        .await
}

async fn poll(world: &World, device: &ApplianceAuthorization) -> Option<OAuthError> {
    poll_as(world, "tv", device).await.err()
}

async fn enter(world: &World, code: &str) -> Result<String, UserCodeRefusal> {
    world
        .token_server
        .appliances
        .enter_user_code(code, &this_browser(), SOURCE)
        .await
        .map(|redirect| redirect.address)
}

/// The user has entered the code and logged in.
async fn asked(world: &World, device: &ApplianceAuthorization) -> String {
    log_in(
        world,
        &enter(world, &device.user_code).await.unwrap(),
        "alice",
        false,
    )
    .await
    .unwrap()
}

async fn an_appliance_gets_tokens_once_its_user_allows_it(database: Database) {
    let world = web_world(database);
    let device = begin(&world).await;
    assert_eq!(
        (device.interval, device.expires_in),
        (5, Duration::from_secs(600))
    );

    assert_eq!(device.verification_uri, format!("{ISSUER}/oauth/device"));

    assert_eq!(
        device.verification_uri_complete,
        format!("{ISSUER}/oauth/device?user_code={}", device.user_code)
    );

    assert_eq!(
        poll(&world, &device).await,
        Some(OAuthError::AuthorizationPending)
    );

    let typed = device.user_code.to_lowercase().replace('-', " ");
    let consent_page = log_in(
        &world,
        &enter(&world, &typed).await.unwrap(),
        "alice",
        false,
    )
    .await
    .unwrap();

    let back = consent(&world, &consent_page, &AcceptConsent::default()).await;
    assert_eq!(back, format!("{ISSUER}/oauth/device/done?result=allowed"));
    let tokens = poll_as(&world, "tv", &device).await.unwrap();
    assert_eq!(
        (tokens.scope.as_str(), tokens.refresh_token.is_some()),
        ("orders", true)
    );

    assert_eq!(poll(&world, &device).await, Some(OAuthError::InvalidGrant));

    assert_eq!(
        enter(&world, &device.user_code).await,
        Err(UserCodeRefusal::Unknown)
    );

    let events = world.events_of(&user("alice")).await;
    assert!(
        events
            .iter()
            .any(|event| event == "TOKEN_REQUEST_ACCESS_TOKEN_CREATED"),
        "{events:?}"
    );
}

async fn an_appliance_that_polls_too_often_waits_longer(database: Database) {
    let world = web_world(database);
    let device = begin(&world).await;
    let after = async |seconds| {
        world.clock.advance(Duration::from_secs(seconds));
        poll(&world, &device).await.unwrap()
    };
    for (seconds, expected) in [
        (0, OAuthError::AuthorizationPending),
        (5, OAuthError::AuthorizationPending),
        (4, OAuthError::SlowDown),
        (9, OAuthError::SlowDown),
        (14, OAuthError::SlowDown),
        (20, OAuthError::AuthorizationPending),
        (19, OAuthError::SlowDown),
        (25, OAuthError::AuthorizationPending),
    ] {
        assert_eq!(after(seconds).await, expected, "{seconds}");
    }

    let all = futures_util::future::join_all((0..6).map(|_| poll(&world, &device))).await;
    assert!(
        all.iter()
            .all(|answer| *answer == Some(OAuthError::SlowDown)),
        "{all:?}"
    );
}

async fn an_appliance_is_told_of_a_refusal(database: Database) {
    let world = web_world(database);
    let denied = format!("{ISSUER}/oauth/device/done?result=denied");
    let device = begin(&world).await;
    let page = enter(&world, &device.user_code).await.unwrap();
    let challenge = parameter(&page, "login_challenge");
    let logins = &world.token_server.logins;
    let resume = logins.reject(&challenge, &Rejection::default()).await;
    let done = returned(&world, &resume.unwrap()).await;
    assert_eq!(done, Ok(denied.clone()));

    assert_eq!(poll(&world, &device).await, Some(OAuthError::AccessDenied));
    let device = begin(&world).await;
    let challenge = parameter(&asked(&world, &device).await, "consent_challenge");
    let consents = &world.token_server.consents;
    let resume = consents.reject(&challenge, &Rejection::default()).await;
    let done = returned(&world, &resume.unwrap()).await;
    assert_eq!(done, Ok(denied));

    assert_eq!(poll(&world, &device).await, Some(OAuthError::AccessDenied));
}

async fn an_appliance_waits_for_ten_minutes(database: Database) {
    let world = web_world(database);
    let device = begin(&world).await;
    world.clock.advance(Duration::from_secs(590));
    let challenge = parameter(&asked(&world, &device).await, "consent_challenge");
    world.clock.advance(Duration::from_secs(10));

    let late = world
        .token_server
        .consents
        .accept(&challenge, &AcceptConsent::default())
        .await;

    assert_eq!(late, Err(PageRequestError::NotFound));

    assert_eq!(
        enter(&world, &device.user_code).await,
        Err(UserCodeRefusal::Unknown)
    );

    assert_eq!(poll(&world, &device).await, Some(OAuthError::ExpiredToken));
}

async fn a_device_code_is_its_clients_own_and_good_once(database: Database) {
    let world = web_world(database);
    let device = begin(&world).await;
    let page = asked(&world, &device).await;
    consent(&world, &page, &AcceptConsent::default()).await;

    assert_eq!(
        poll_as(&world, "web", &device).await.err(),
        Some(OAuthError::InvalidGrant)
    );

    let all = futures_util::future::join_all((0..8).map(|_| poll_as(&world, "tv", &device))).await;
    assert_eq!(all.iter().filter(|answer| answer.is_ok()).count(), 1);
    let installation = world.install().await;
    let credentials = installation.assertion(world.clock.now(), &serde_json::json!({}));
    let refused = world
        .token_server
        .appliances
        .authorize(&credentials, None, None)
        .await;

    assert!(matches!(refused, Err(OAuthError::UnauthorizedClient(_))));
}

async fn user_codes_cannot_be_guessed(database: Database) {
    let world = web_world(database);
    let device = begin(&world).await;

    // What is no code is no guess, and locks nobody out.
    for _ in 0..200 {
        assert_eq!(
            enter(&world, "BBBB-BBBA").await,
            Err(UserCodeRefusal::Unknown)
        );
    }

    for _ in 0..20 {
        assert_eq!(
            enter(&world, "BBBB-BBBB").await,
            Err(UserCodeRefusal::Unknown)
        );
    }

    let refused = enter(&world, &device.user_code).await;
    assert_eq!(
        refused,
        Err(UserCodeRefusal::TooMany {
            retry_after: Duration::from_secs(60)
        })
    );

    // Nobody else is kept out.
    let appliances = &world.token_server.appliances;
    let elsewhere = IpAddr::from([203, 0, 113, 7]);
    let unknown = Browser::default();
    let entered = appliances.enter_user_code(&device.user_code, &unknown, elsewhere);
    entered.await.unwrap();

    world.clock.advance(Duration::from_secs(60));
    enter(&world, &device.user_code).await.unwrap();
}

async fn a_remembered_user_still_has_to_allow_it(database: Database) {
    let world = web_world(database);
    let page = asked(&world, &begin(&world).await).await;
    consent(
        &world,
        &page,
        &AcceptConsent {
            granted_scopes: None,
            remember: true,
        },
    )
    .await;

    let browser = remembered(&world, "trusted").await;
    let device = begin(&world).await;
    let address = world
        .token_server
        .appliances
        .enter_user_code(&device.user_code, &browser, SOURCE)
        .await
        .unwrap()
        .address;

    assert!(
        address.starts_with("https://portal.example/consent?"),
        "{address}"
    );

    let credentials = secret_of("trusted", "trusted secret");
    let device = world
        .token_server
        .appliances
        .authorize(&credentials, None, None)
        .await
        .unwrap();

    let address = world
        .token_server
        .appliances
        .enter_user_code(&device.user_code, &browser, SOURCE)
        .await
        .unwrap()
        .address;

    assert!(
        address.starts_with("https://portal.example/login?"),
        "where nobody asks, the login page does: {address}"
    );
}

async fn of_two_answers_the_first_counts(database: Database) {
    let world = web_world(database);
    let device = begin(&world).await;
    let (first, second) = (asked(&world, &device).await, asked(&world, &device).await);
    consent(&world, &first, &AcceptConsent::default()).await;

    let challenge = parameter(&second, "consent_challenge");
    let consents = &world.token_server.consents;
    let resume = consents
        .accept(&challenge, &AcceptConsent::default())
        .await
        .unwrap();
    let late = returned(&world, &resume).await;
    assert_eq!(late, Err(AuthorizeRefusal::Expired));

    let late = consents.reject(&challenge, &Rejection::default()).await;
    assert_eq!(late, Err(PageRequestError::AlreadyAnswered));
    poll_as(&world, "tv", &device).await.unwrap();
}
