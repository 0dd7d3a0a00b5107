//! Web clients log users in: what they ask for, what users allow, and where browsers are sent.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::oauth::{
    AcceptConsent, AcceptLogin, AuthorizeRefusal, AuthorizeRequest, Browser, BrowserCookie,
    Credentials, OAuthError, PageRequestError, Rejection, TokenRequest, TokenResponse,
};
use countersign::secret::sha256;
use countersign::settings::{ClientCredential, GrantType, ResourceServer, Scope, WebClient};
use countersign::store::schema::disabled_users;
use countersign::store::{Connection, StoreError, WriteError};
use diesel::prelude::*;

use super::login::{VERIFIER, authorize, authorize_request, parameters, returned};
use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{ISSUER, World, secret_of, user};

on_both_databases!(
    a_web_client_logs_a_user_in,
    a_code_is_of_no_use_to_another_client,
    a_user_allows_less_than_is_asked,
    a_consent_is_remembered_until_more_is_asked,
    a_device_may_have_to_ask_for_consent,
    a_silent_client_is_told_what_is_missing,
    a_parameter_out_of_its_bounds_goes_back_to_the_client,
    a_native_client_listens_at_any_port_of_loopback,
    a_disabled_user_is_refused,
    parallel_consents_give_one_code,
);

pub(super) const CALLBACK: &str = "https://web.example/cb";
const LOOPBACK: &str = "http://127.0.0.1/cb";

/// With web clients: two confidential ones, a public one, one that skips consent, one for appliances.
pub(super) fn web_world(database: Database) -> World {
    let world = World::new(database);
    world.configure(|settings| {
        for id in ["web", "other", "native", "trusted", "tv", "pushy"] {
            let credential =
                ClientCredential::SecretHash(sha256(format!("{id} secret").as_bytes()));
            let mut client =
                WebClient::new(id.parse().unwrap(), (id != "native").then_some(credential));
            client.redirect_uris = vec![CALLBACK.to_owned(), LOOPBACK.to_owned()];
            client.grant_types = GrantType::ALL.into();
            client.scopes = ["openid", "orders", "profile"].map(str::to_owned).into();
            client.skip_consent = id == "trusted";
            client.require_pushed_authorization_requests = id == "pushy";

            settings
                .web_clients
                .insert(client.client_id.clone(), Arc::new(client));
        }

        let descriptions = [("en".to_owned(), "See your orders".to_owned())].into();
        settings.scopes.insert(
            "orders".to_owned(),
            Arc::new(Scope {
                id: "orders".to_owned(),
                descriptions,
                claims: [].into(),
            }),
        );

        let server = ResourceServer {
            id: "orders-api".to_owned(),
            name: "Orders".to_owned(),
            audience: "https://api.web.example".to_owned(),
            permitted_clients: ["web".to_owned()].into(),
            scopes: ["orders".to_owned()].into(),
            claims: [].into(),
            access_token_format: None,
            access_token_lifetime_seconds: None,
            signing_algorithm: None,
        };

        settings
            .resource_servers
            .insert(server.id.clone(), Arc::new(server));
    });

    world
}

pub(super) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn asks(client: &str) -> AuthorizeRequest {
    AuthorizeRequest {
        response_type: text("code"),
        client_id: text(client),
        redirect_uri: text(CALLBACK),
        scope: text("orders profile"),
        state: text("s"),
        code_challenge: Some(URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()))),
        code_challenge_method: text("S256"),
        ..AuthorizeRequest::default()
    }
}

/// A parameter of an address.
pub(super) fn parameter(address: &str, name: &str) -> String {
    parameters(address)
        .remove(name)
        .unwrap_or_else(|| panic!("no {name} in {address}"))
}

/// The login page says who the user is. Gives the address that it sends the browser to.
pub(super) async fn tell(
    world: &World,
    address: &str,
    name: &str,
    remember: bool,
) -> Result<String, PageRequestError> {
    assert!(
        address.starts_with("https://portal.example/login?"),
        "{address}"
    );

    let answer = AcceptLogin {
        amr: vec!["pwd".to_owned()],
        acr: text("silver"),
        remember,
        ..AcceptLogin::of(user(name))
    };

    world
        .token_server
        .logins
        .accept(None, &parameter(address, "login_challenge"), &answer)
        .await
}

/// The login page says who the user is, and the browser has come back.
pub(super) async fn log_in(
    world: &World,
    address: &str,
    name: &str,
    remember: bool,
) -> Result<String, PageRequestError> {
    let resume = tell(world, address, name, remember).await?;
    Ok(returned(world, &resume).await.unwrap())
}

/// The consent page says what the user allows, and the browser has come back.
pub(super) async fn consent(world: &World, address: &str, answer: &AcceptConsent) -> String {
    assert!(
        address.starts_with("https://portal.example/consent?"),
        "{address}"
    );

    let consents = &world.token_server.consents;
    let challenge = parameter(address, "consent_challenge");
    let resume = consents.accept(&challenge, answer).await.unwrap();
    returned(world, &resume).await.unwrap()
}

pub(super) async fn redeem(
    world: &World,
    credentials: Credentials,
    code: &str,
) -> Result<TokenResponse, OAuthError> {
    let request = TokenRequest {
        code: Some(secret(code)),
        redirect_uri: text(CALLBACK),
        code_verifier: Some(secret(VERIFIER)),
        ..TokenRequest::new(credentials, "authorization_code")
    };

    world.token_server.grants.token(&request).await
}

/// Logs Alice in and has a browser remember it.
pub(super) async fn remembered(world: &World, client: &str) -> Browser {
    let begun = world
        .token_server
        .authorization
        .authorize(&asks(client), &Browser::default())
        .await
        .unwrap();

    let Some(BrowserCookie::Recognition(recognition)) = begun.cookie else {
        panic!("{:?}", begun.cookie)
    };
    let browser = Browser {
        recognition: Some(recognition),
        session: None,
    };

    let resume = tell(world, &begun.address, "alice", true).await.unwrap();
    assert!(
        resume.starts_with(&format!("{ISSUER}/oauth/authorize/resume?verifier=")),
        "{resume}"
    );

    let verifier = parameter(&resume, "verifier");
    let resumed = world
        .token_server
        .authorization
        .resume(&verifier, &browser)
        .await
        .unwrap();

    let Some(BrowserCookie::Session(session, _)) = resumed.cookie else {
        panic!("{:?}", resumed.cookie)
    };

    let endpoint = &world.token_server.authorization;
    let again = endpoint.resume(&verifier, &browser).await;
    assert_eq!(again, Err(AuthorizeRefusal::Expired));

    Browser {
        session: Some(session),
        ..browser
    }
}

async fn a_web_client_logs_a_user_in(database: Database) {
    let world = web_world(database);

    let request = AuthorizeRequest {
        resource: text("https://api.web.example"),
        ..asks("web")
    };
    let address = authorize(&world, &request).await.unwrap();
    let told = world
        .token_server
        .logins
        .request(&parameter(&address, "login_challenge"))
        .await
        .unwrap();

    assert_eq!(
        (
            told.client_id.as_str(),
            told.client_name.as_str(),
            told.installation
        ),
        ("web", "web", None)
    );

    let consent_page = log_in(&world, &address, "alice", false).await.unwrap();
    let told = world
        .token_server
        .consents
        .request(&parameter(&consent_page, "consent_challenge"))
        .await
        .unwrap();

    assert_eq!(
        (told.subject.as_str(), told.scope.as_str()),
        ("alice", "orders profile")
    );

    assert_eq!(told.scopes[0].descriptions["en"], "See your orders");
    let back = consent(&world, &consent_page, &AcceptConsent::default()).await;
    assert!(back.starts_with(&format!("{CALLBACK}?code=")), "{back}");

    assert_eq!(
        (
            parameter(&back, "state").as_str(),
            parameter(&back, "iss").as_str()
        ),
        ("s", ISSUER)
    );

    let code = parameter(&back, "code");
    let tokens = redeem(&world, secret_of("web", "web secret"), &code)
        .await
        .unwrap();
    assert_eq!(
        (tokens.scope.as_str(), tokens.refresh_token.is_some()),
        ("orders", true)
    );

    assert_eq!(
        redeem(&world, secret_of("web", "web secret"), &code)
            .await
            .err(),
        Some(OAuthError::InvalidGrant)
    );

    let events = world.events_of(&user("alice")).await;

    for expected in [
        "AUTHZ_REQUEST_GRANT_CREATED",
        "CONSENT_GIVEN",
        "TOKEN_REQUEST_ACCESS_TOKEN_CREATED",
    ] {
        assert!(
            events.iter().any(|event| event == expected),
            "{expected} in {events:?}"
        );
    }
}

async fn a_code_is_of_no_use_to_another_client(database: Database) {
    let world = web_world(database);
    let address = authorize(&world, &asks("trusted")).await.unwrap();
    let code = parameter(
        &log_in(&world, &address, "alice", false).await.unwrap(),
        "code",
    );
    let stolen = redeem(&world, secret_of("other", "other secret"), &code).await;
    assert_eq!(stolen.err(), Some(OAuthError::InvalidGrant));
    let burnt = redeem(&world, secret_of("trusted", "trusted secret"), &code).await;
    assert_eq!(burnt.err(), Some(OAuthError::InvalidGrant));
}

async fn a_user_allows_less_than_is_asked(database: Database) {
    let world = web_world(database);
    let to_consent = async || {
        let address = authorize(&world, &asks("web")).await.unwrap();
        log_in(&world, &address, "alice", false).await.unwrap()
    };
    let address = to_consent().await;
    let challenge = parameter(&address, "consent_challenge");
    for wrong in [
        vec![],
        vec!["openid".to_owned()],
        vec!["orders".to_owned(), "admin".to_owned()],
    ] {
        let answer = AcceptConsent {
            granted_scopes: Some(wrong),
            remember: true,
        };
        let refused = world
            .token_server
            .consents
            .accept(&challenge, &answer)
            .await;

        assert!(
            matches!(refused, Err(PageRequestError::InvalidParameter { .. })),
            "{refused:?}"
        );
    }

    let less = AcceptConsent {
        granted_scopes: Some(vec!["profile".to_owned()]),
        remember: true,
    };
    let code = parameter(&consent(&world, &address, &less).await, "code");
    assert_eq!(
        redeem(&world, secret_of("web", "web secret"), &code)
            .await
            .unwrap()
            .scope,
        "profile"
    );

    let again = world.token_server.consents.accept(&challenge, &less).await;
    assert_eq!(again, Err(PageRequestError::AlreadyAnswered));
    let no = to_consent().await;
    let challenge = parameter(&no, "consent_challenge");
    let back = world
        .token_server
        .consents
        .reject(&challenge, &Rejection::default())
        .await
        .unwrap();
    let back = returned(&world, &back).await.unwrap();

    assert_eq!(
        (
            parameter(&back, "error").as_str(),
            parameter(&back, "iss").as_str()
        ),
        ("access_denied", ISSUER)
    );

    // A challenge for one page is unknown to the other.
    assert_eq!(
        world.token_server.logins.request(&challenge).await,
        Err(PageRequestError::NotFound)
    );
}

async fn a_consent_is_remembered_until_more_is_asked(database: Database) {
    let world = web_world(database);
    let after_login = async |client: &str, scope: &str, prompt: Option<String>| {
        let address = authorize(
            &world,
            &AuthorizeRequest {
                scope: text(scope),
                prompt,
                ..asks(client)
            },
        )
        .await
        .unwrap();

        log_in(&world, &address, "alice", false).await.unwrap()
    };

    let asked = after_login("web", "orders", None).await;
    consent(
        &world,
        &asked,
        &AcceptConsent {
            granted_scopes: None,
            remember: true,
        },
    )
    .await;

    assert!(
        after_login("web", "orders", None)
            .await
            .starts_with(CALLBACK)
    );

    for (client, scope, prompt) in [
        ("web", "orders profile", None),
        ("other", "orders", None),
        ("web", "orders", text("consent")),
    ] {
        let address = after_login(client, scope, prompt).await;
        assert!(
            address.starts_with("https://portal.example/consent?"),
            "{client} {scope}: {address}"
        );
    }

    let forced = after_login("trusted", "orders", text("consent")).await;
    assert!(
        forced.starts_with("https://portal.example/consent?"),
        "{forced}"
    );
}

async fn a_device_may_have_to_ask_for_consent(database: Database) {
    let world = web_world(database);
    let installation = world.install().await;

    world.configure(|settings| {
        let bank = settings
            .applications
            .get_mut(&"bank".parse().unwrap())
            .unwrap();
        Arc::make_mut(bank).skip_consent = false;
        Arc::make_mut(bank).scopes.insert("orders".to_owned());
    });

    let request = AuthorizeRequest {
        scope: text("orders"),
        ..authorize_request(&installation)
    };
    let address = log_in(
        &world,
        &authorize(&world, &request).await.unwrap(),
        "alice",
        false,
    )
    .await
    .unwrap();

    let less = AcceptConsent {
        granted_scopes: Some(vec!["orders".to_owned()]),
        remember: false,
    };
    let back = consent(&world, &address, &less).await;
    assert!(back.starts_with("bank://login?code="), "{back}");

    let tokens = super::login::redeem(&world, &installation, &parameter(&back, "code"))
        .await
        .unwrap();
    assert_eq!(
        tokens.scope, "device user orders",
        "a device always acts for the user on it"
    );
}

async fn a_silent_client_is_told_what_is_missing(database: Database) {
    let world = web_world(database);

    let silent = AuthorizeRequest {
        prompt: text("none"),
        ..asks("web")
    };
    let address = authorize(&world, &silent).await.unwrap();
    assert_eq!(parameter(&address, "error"), "login_required");
    let browser = remembered(&world, "trusted").await;
    let address = world
        .token_server
        .authorization
        .authorize(&silent, &browser)
        .await
        .unwrap()
        .address;

    assert_eq!(parameter(&address, "error"), "consent_required");
}

async fn a_parameter_out_of_its_bounds_goes_back_to_the_client(database: Database) {
    let world = web_world(database);
    let long = |length| Some("x".repeat(length));

    let many = (0..10_000)
        .map(|number| format!("s{number}"))
        .collect::<Vec<_>>()
        .join(" ");

    for (request, error) in [
        (
            AuthorizeRequest {
                nonce: long(4097),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                response_mode: text("fragment"),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                prompt: text("none login"),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                prompt: text("create"),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                max_age: text("-1"),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                max_age: text("+1"),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                max_age: text("99999999999"),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                login_hint: long(256),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                dpop_jkt: text("short"),
                ..asks("web")
            },
            "invalid_request",
        ),
        (
            AuthorizeRequest {
                code_challenge_method: text("plain"),
                ..asks("web")
            },
            "invalid_request",
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
                request: text("e30.e30."),
                ..asks("web")
            },
            "request_not_supported",
        ),
        (
            AuthorizeRequest {
                scope: text("device"),
                ..asks("web")
            },
            "invalid_scope",
        ),
        (
            AuthorizeRequest {
                scope: text(&many),
                ..asks("web")
            },
            "invalid_scope",
        ),
        (
            AuthorizeRequest {
                resource: text("https://elsewhere.example"),
                ..asks("web")
            },
            "invalid_target",
        ),
        (
            AuthorizeRequest {
                resource: text("https://api.web.example"),
                ..asks("other")
            },
            "invalid_target",
        ),
        (asks("pushy"), "invalid_request"),
    ] {
        let address = authorize(&world, &request).await.unwrap();
        assert!(address.starts_with(CALLBACK), "{address}");

        let told = (
            parameter(&address, "error"),
            parameter(&address, "iss"),
            parameter(&address, "state"),
        );

        assert_eq!(
            told,
            (error.to_owned(), ISSUER.to_owned(), "s".to_owned()),
            "{error}"
        );
    }
}

async fn a_native_client_listens_at_any_port_of_loopback(database: Database) {
    let world = web_world(database);

    let at = |client, uri| AuthorizeRequest {
        redirect_uri: text(uri),
        ..asks(client)
    };
    let address = authorize(&world, &at("native", "http://127.0.0.1:40123/cb"))
        .await
        .unwrap();
    assert!(
        address.starts_with("https://portal.example/login?"),
        "{address}"
    );

    for (client, uri) in [
        ("web", "http://127.0.0.1:40123/cb"),
        ("native", "http://127.0.0.1:40123/other"),
        ("native", "http://localhost:40123/cb"),
        ("native", "http://127.0.0.1:40123@evil.test/cb"),
        ("native", "https://web.example:8443/cb"),
    ] {
        let refused = authorize(&world, &at(client, uri)).await;
        assert_eq!(
            refused,
            Err(AuthorizeRefusal::ClientOrRedirectUri),
            "{client} {uri}"
        );
    }
}

pub(super) async fn disable(world: &World, name: &'static str) {
    let disable = move |connection: &mut Connection| {
        let row = (
            disabled_users::user_id.eq(name),
            disabled_users::disabled_at.eq(0),
        );
        let added: QueryResult<usize> = diesel::insert_into(disabled_users::table)
            .values(row)
            .execute(connection);
        Ok::<usize, WriteError<StoreError>>(added?)
    };

    world.store.write(disable).await.unwrap();
}

async fn a_disabled_user_is_refused(database: Database) {
    let world = web_world(database);
    let browser = remembered(&world, "trusted").await;
    let begun = authorize(&world, &asks("web")).await.unwrap();
    let consent_page = log_in(&world, &begun, "alice", false).await.unwrap();
    disable(&world, "alice").await;
    let login_page = authorize(&world, &asks("trusted")).await.unwrap();
    assert_eq!(
        log_in(&world, &login_page, "alice", false).await,
        Err(PageRequestError::UserDisabled)
    );

    assert_eq!(
        log_in(&world, &login_page, "alice", true).await,
        Err(PageRequestError::UserDisabled)
    );

    let challenge = parameter(&consent_page, "consent_challenge");
    let allowed = world
        .token_server
        .consents
        .accept(&challenge, &AcceptConsent::default())
        .await;

    assert_eq!(allowed, Err(PageRequestError::UserDisabled));

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

    assert_eq!(parameter(&address, "error"), "login_required");

    log_in(&world, &login_page, "bob", false)
        .await
        .expect("somebody else may");
}

async fn parallel_consents_give_one_code(database: Database) {
    let world = web_world(database);
    let address = authorize(&world, &asks("web")).await.unwrap();
    let challenge = parameter(
        &log_in(&world, &address, "alice", false).await.unwrap(),
        "consent_challenge",
    );

    let answer = AcceptConsent {
        granted_scopes: None,
        remember: true,
    };
    let all = (0..8).map(|_| world.token_server.consents.accept(&challenge, &answer));
    let results = futures_util::future::join_all(all).await;
    assert_eq!(
        results.iter().filter(|result| result.is_ok()).count(),
        1,
        "{results:?}"
    );
}
