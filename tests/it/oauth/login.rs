//! A user logs in on a device, step by step.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::ids::ClientId;
use countersign::oauth::{
    AcceptLogin, AuthorizeRefusal, AuthorizeRequest, Browser, OAuthError, PageRequestError,
    TokenRequest, TokenResponse,
};
use countersign::secret::sha256;
use serde_json::json;

use crate::support::sandbox::secret;
use crate::support::world::{ISSUER, Installation, World, user};

pub(super) const VERIFIER: &str = "a-verifier-of-more-than-43-characters~._0123456789";
pub(super) const REDIRECT_URI: &str = "bank://login";

/// A good request of an application.
pub(super) fn authorize_request(installation: &Installation) -> AuthorizeRequest {
    let text = |text: &str| Some(text.to_owned());
    AuthorizeRequest {
        response_type: text("code"),
        client_id: text(installation.id().as_str()),
        redirect_uri: text(REDIRECT_URI),
        scope: text("device user"),
        state: text("state &=#"),
        code_challenge: Some(URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()))),
        code_challenge_method: text("S256"),
        ..AuthorizeRequest::default()
    }
}

/// A browser that is recognised when it comes back, and remembers no login.
pub(super) fn this_browser() -> Browser {
    Browser {
        recognition: Some(secret(&"r".repeat(43))),
        session: None,
    }
}

/// Where [`this_browser`] is sent when it comes back from a page that gave this address.
pub(super) async fn returned(world: &World, address: &str) -> Result<String, AuthorizeRefusal> {
    let resume = format!("{ISSUER}/oauth/authorize/resume?verifier=");
    let verifier = address.strip_prefix(&resume);
    let verifier = verifier.unwrap_or_else(|| panic!("{address}"));

    let endpoint = &world.token_server.authorization;
    let redirect = endpoint.resume(verifier, &this_browser()).await?;
    Ok(redirect.address)
}

/// Where [`this_browser`] is sent.
pub(super) async fn authorize(
    world: &World,
    request: &AuthorizeRequest,
) -> Result<String, AuthorizeRefusal> {
    world
        .token_server
        .authorization
        .authorize(request, &this_browser())
        .await
        .map(|redirect| redirect.address)
}

/// The parameters an address carries.
pub(super) fn parameters(address: &str) -> HashMap<String, String> {
    let query = address.split_once('?').expect("a query").1;
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// Begins a login; gives the challenge the login page is called with.
pub(super) async fn begin(world: &World, installation: &Installation) -> String {
    let address = authorize(world, &authorize_request(installation))
        .await
        .unwrap();
    assert!(
        address.starts_with("https://portal.example/login?login_challenge="),
        "{address}"
    );

    parameters(&address).remove("login_challenge").unwrap()
}

/// The login page says that it is Alice.
pub(super) async fn accept(world: &World, challenge: &str) -> Result<String, PageRequestError> {
    let portal: ClientId = "portal".parse().unwrap();

    let answer = AcceptLogin {
        amr: vec!["pwd".to_owned()],
        ..AcceptLogin::of(user("alice"))
    };

    world
        .token_server
        .logins
        .accept(Some(&portal), challenge, &answer)
        .await
}

/// Everything up to the code.
pub(crate) async fn code(world: &World, installation: &Installation) -> String {
    let challenge = begin(world, installation).await;
    let resume = accept(world, &challenge).await.unwrap();
    let address = returned(world, &resume).await.unwrap();
    assert!(address.starts_with("bank://login?code="), "{address}");
    parameters(&address).remove("code").unwrap()
}

/// A good request to redeem a code.
pub(super) fn redeem_request(
    world: &World,
    installation: &Installation,
    code: &str,
) -> TokenRequest {
    TokenRequest {
        code: Some(secret(code)),
        redirect_uri: Some(REDIRECT_URI.to_owned()),
        code_verifier: Some(secret(VERIFIER)),
        ..TokenRequest::new(
            installation.assertion(world.clock.now(), &json!({})),
            "authorization_code",
        )
    }
}

pub(crate) async fn redeem(
    world: &World,
    installation: &Installation,
    code: &str,
) -> Result<TokenResponse, OAuthError> {
    world
        .token_server
        .grants
        .token(&redeem_request(world, installation, code))
        .await
}
