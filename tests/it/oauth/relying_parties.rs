//! What relying parties send, as specifications and libraries have it.

use std::collections::HashMap;
use std::sync::Arc;

use countersign::oauth::{
    AuthorizeRefusal, AuthorizeRequest, OAuthError, Redirect, Rejection, TokenRequest,
};
use countersign::settings::{ClientCredential, GrantType, WebClient};

use super::login::{VERIFIER, authorize, authorize_request, this_browser};
use super::openid::header;
use super::web::{CALLBACK, asks, log_in, parameter, tell, text, web_world};
use crate::support::databases::{Database, on_both_databases};
use crate::support::sandbox::secret;
use crate::support::world::{ISSUER, World, secret_of};

on_both_databases!(
    scopes_that_nobody_knows_are_ignored,
    a_confidential_client_may_be_configured_to_do_without_pkce,
    a_client_with_one_address_need_not_name_it,
    an_answer_is_posted_where_the_client_wants_it_so,
    nobody_asks_for_two_resource_servers,
    a_client_that_does_not_say_otherwise_gets_id_tokens_that_everybody_verifies,
);

/// A client that may do without PKCE, with one address.
fn world_with_plain_client(database: Database) -> World {
    let world = web_world(database);
    world.configure(|settings| {
        for (id, require_pkce) in [("plain", false), ("strict", true)] {
            let hash = countersign::secret::sha256(format!("{id} secret").as_bytes());
            let credential = ClientCredential::SecretHash(hash);
            let mut client = WebClient::new(id.parse().unwrap(), Some(credential));
            client.redirect_uris = vec![CALLBACK.to_owned()];
            client.grant_types = GrantType::ALL.into();
            client.scopes = ["openid", "orders"].map(str::to_owned).into();
            client.skip_consent = true;
            client.require_pkce = require_pkce;
            settings
                .web_clients
                .insert(client.client_id.clone(), Arc::new(client));
        }
    });

    world
}

fn without_pkce(client: &str) -> AuthorizeRequest {
    AuthorizeRequest {
        scope: text("openid"),
        nonce: text("n-0S6_WzA2Mj"),
        code_challenge: None,
        code_challenge_method: None,
        ..asks(client)
    }
}

async fn code(world: &World, request: &AuthorizeRequest) -> String {
    let page = authorize(world, request).await.unwrap();
    let back = log_in(world, &page, "alice", false).await.unwrap();
    parameter(&back, "code")
}

fn redemption(client: &str, code: &str) -> TokenRequest {
    let credentials = secret_of(client, &format!("{client} secret"));

    TokenRequest {
        code: Some(secret(code)),
        redirect_uri: text(CALLBACK),
        ..TokenRequest::new(credentials, "authorization_code")
    }
}

async fn scopes_that_nobody_knows_are_ignored(database: Database) {
    let world = world_with_plain_client(database);
    let with = |scope: &str| AuthorizeRequest {
        scope: text(scope),
        ..asks("strict")
    };

    for (asked, granted) in [
        ("openid", "openid"),
        ("openid  orders ", "openid orders"),
        ("openid openid", "openid"),
        ("openid groups roles", "openid"),
    ] {
        let code = code(&world, &with(asked)).await;
        let request = TokenRequest {
            code_verifier: Some(secret(VERIFIER)),
            ..redemption("strict", &code)
        };
        let tokens = world.token_server.grants.token(&request).await.unwrap();
        assert_eq!(tokens.scope, granted, "{asked}");
    }

    // `profile` exists and `device` does: they are not this client's.
    for refused in ["groups", "openid profile", "openid device", " "] {
        let address = authorize(&world, &with(refused)).await.unwrap();
        assert_eq!(parameter(&address, "error"), "invalid_scope", "{refused}");
    }
}

async fn a_confidential_client_may_be_configured_to_do_without_pkce(database: Database) {
    let world = world_with_plain_client(database);
    let grants = &world.token_server.grants;

    let code_of_plain = code(&world, &without_pkce("plain")).await;
    let tokens = grants.token(&redemption("plain", &code_of_plain)).await;
    assert!(tokens.unwrap().id_token.is_some());

    // A challenge that the client sends all the same binds its code, and one that somebody took out
    // on the way is noticed.
    let with_challenge = AuthorizeRequest {
        nonce: text("n"),
        ..asks_openid("plain")
    };
    for (request, verifier) in [
        (with_challenge, None),
        (without_pkce("plain"), Some(VERIFIER)),
    ] {
        let code = code(&world, &request).await;
        let request = TokenRequest {
            code_verifier: verifier.map(secret),
            ..redemption("plain", &code)
        };
        assert_eq!(
            grants.token(&request).await.err(),
            Some(OAuthError::InvalidGrant)
        );
    }

    let without_nonce = AuthorizeRequest {
        nonce: None,
        ..without_pkce("plain")
    };
    for refused in [
        without_nonce,
        without_pkce("strict"),
        without_pkce("native"),
    ] {
        let address = authorize(&world, &refused).await.unwrap();
        assert_eq!(parameter(&address, "error"), "invalid_request");
    }

    // Who forgets the verifier does not lose the code.
    let code = code(&world, &asks_openid("strict")).await;
    let forgotten = grants.token(&redemption("strict", &code)).await;
    assert!(matches!(forgotten, Err(OAuthError::InvalidRequest(_))));
    let complete = TokenRequest {
        code_verifier: Some(secret(VERIFIER)),
        ..redemption("strict", &code)
    };
    grants.token(&complete).await.unwrap();
}

fn asks_openid(client: &str) -> AuthorizeRequest {
    AuthorizeRequest {
        scope: text("openid"),
        ..asks(client)
    }
}

async fn a_client_with_one_address_need_not_name_it(database: Database) {
    let world = world_with_plain_client(database);
    let grants = &world.token_server.grants;
    let omitting = |client: &str| AuthorizeRequest {
        redirect_uri: None,
        ..asks_openid(client)
    };
    let complete = |code: &str, redirect_uri: Option<&str>| TokenRequest {
        redirect_uri: redirect_uri.map(str::to_owned),
        code_verifier: Some(secret(VERIFIER)),
        ..redemption("strict", code)
    };

    for (request, at_token, is_redeemed) in [
        (omitting("strict"), None, true),
        (omitting("strict"), Some(CALLBACK), true),
        (omitting("strict"), Some("https://web.example/other"), false),
        (asks_openid("strict"), Some(CALLBACK), true),
        (asks_openid("strict"), None, false),
    ] {
        let code = code(&world, &request).await;
        let tokens = grants.token(&complete(&code, at_token)).await;
        assert_eq!(tokens.is_ok(), is_redeemed, "{request:?} {at_token:?}");
    }

    // Several addresses, or none of its own.
    for client in ["web", "unknown"] {
        let refused = authorize(&world, &omitting(client)).await;
        assert_eq!(refused, Err(AuthorizeRefusal::ClientOrRedirectUri));
    }

    let pushing = secret_of("strict", "strict secret");
    let pushed = &world.token_server.pushed_requests;
    pushed
        .push(&pushing, None, omitting("strict"))
        .await
        .expect("pushed requests are checked alike");
}

async fn an_answer_is_posted_where_the_client_wants_it_so(database: Database) {
    let world = world_with_plain_client(database);
    let request = |change: fn(&mut AuthorizeRequest)| {
        let mut request = AuthorizeRequest {
            response_mode: text("form_post"),
            state: text("a\"b&c"),
            ..asks_openid("strict")
        };
        change(&mut request);
        request
    };
    let fields = |redirect: Redirect| -> HashMap<&str, String> {
        assert_eq!(redirect.address, CALLBACK);
        redirect.form.expect("a form").into_iter().collect()
    };

    let endpoint = &world.token_server.authorization;
    let resume = async |resume: &str| {
        let verifier = parameter(resume, "verifier");
        endpoint.resume(&verifier, &this_browser()).await.unwrap()
    };

    let page = authorize(&world, &request(|_| ())).await.unwrap();
    let answer = tell(&world, &page, "alice", false).await.unwrap();
    let posted = fields(resume(&answer).await);
    assert_eq!(
        (posted["state"].as_str(), posted["iss"].as_str()),
        ("a\"b&c", ISSUER)
    );
    assert_eq!(posted["code"].len(), 43);

    let page = authorize(&world, &request(|_| ())).await.unwrap();
    let challenge = parameter(&page, "login_challenge");
    let logins = &world.token_server.logins;
    let answer = logins.reject(&challenge, &Rejection::default()).await;
    let posted = fields(resume(&answer.unwrap()).await);
    assert_eq!(posted["error"], "access_denied");

    for (change, error) in [
        (
            (|request| request.prompt = text("none")) as fn(&mut AuthorizeRequest),
            "login_required",
        ),
        (|request| request.scope = text("admin"), "invalid_scope"),
    ] {
        let answered = endpoint.authorize(&request(change), &this_browser()).await;
        let posted = fields(answered.unwrap());
        assert_eq!(
            (posted["error"].as_str(), posted["state"].as_str()),
            (error, "a\"b&c")
        );
    }

    // An app listens at its own scheme, where nothing can be posted.
    let installation = world.install().await;
    let to_app = AuthorizeRequest {
        response_mode: text("form_post"),
        ..authorize_request(&installation)
    };
    let address = authorize(&world, &to_app).await.unwrap();
    assert_eq!(parameter(&address, "error"), "invalid_request");
}

async fn nobody_asks_for_two_resource_servers(database: Database) {
    let world = world_with_plain_client(database);
    // As they are parsed.
    let both = AuthorizeRequest {
        resource: text("https://api.web.example https://api.web.example"),
        ..asks("web")
    };
    let address = authorize(&world, &both).await.unwrap();
    assert_eq!(parameter(&address, "error"), "invalid_target");
}

async fn a_client_that_does_not_say_otherwise_gets_id_tokens_that_everybody_verifies(
    database: Database,
) {
    let world = world_with_plain_client(database);
    let code = code(&world, &without_pkce("plain")).await;
    let request = redemption("plain", &code);
    let tokens = world.token_server.grants.token(&request).await.unwrap();
    assert_eq!(header(tokens.id_token.as_ref().unwrap(), "alg"), "RS256");

    let metadata = world.token_server.metadata();
    let algorithms = metadata.id_token_signing_alg_values_supported;
    assert!(algorithms.iter().any(|known| known.as_str() == "RS256"));
}
