//! Credentials that stand side by side.

use super::{FULL, parse};
use crate::secret::sha256;
use crate::settings::plan;

#[test]
fn a_credential_is_replaced_without_a_gap() {
    let with = |secrets: &str, signing: &str| {
        let text = FULL
            .replace("client_secret = \"env:PORTAL_SECRET\"", secrets)
            .replace("signing_secret = \"env:WHSEC\"", signing);
        parse(&text)
    };
    let (one, signing) = (
        "client_secret = \"env:PORTAL_SECRET\"",
        "signing_secret = \"env:WHSEC\"",
    );
    let two = "client_secrets = [\"env:PORTAL_SECRET\", \"env:NEXT_SECRET\"]";
    let both = "signing_secrets = [\"env:WHSEC\", \"env:NEXT_WHSEC\"]";

    let settings = with(two, both).unwrap();
    let client = settings.api_clients.values().next().unwrap();
    assert_eq!(client.credentials.len(), 2);
    let endpoint = &settings.callback_endpoints["https://portal.example/callback"];
    assert_eq!(endpoint.signing_secrets.len(), 2);

    // The plan says that something changes, and nothing of what.
    let before = with(one, signing).unwrap();
    let plan = plan(&before, &settings).to_string();
    assert!(
        plan.contains("api_clients") && plan.contains("callback_endpoints"),
        "{plan}"
    );
    assert!(!plan.contains("wQ4nYs7TgKx2VpRb9LmZcJ6e"), "{plan}");

    let key = "public_jwk = { kty = \"EC\", crv = \"P-256\", x = \"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\", \
               y = \"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\" }";
    let mixed = with(&format!("{one}\n{key}"), signing).unwrap();
    let client = mixed.api_clients.values().next().unwrap();
    assert_eq!(client.credentials.len(), 2, "from a secret to a key");

    for (secrets, signing, place) in [
        (
            format!("{two}\n{key}"),
            signing.to_owned(),
            "api_clients[0].client_secrets",
        ),
        (
            "client_secrets = []".to_owned(),
            signing.to_owned(),
            "api_clients[0].client_secret",
        ),
        (
            "client_secrets = [\"env:SHORT\"]".to_owned(),
            signing.to_owned(),
            "api_clients[0].client_secrets",
        ),
        (
            "jwks_uri = \"http://portal.example/jwks\"".to_owned(),
            signing.to_owned(),
            "api_clients[0].jwks_uri: must be an https address",
        ),
        (
            format!("{one}\njwks_uri = \"https://portal.example/jwks\""),
            signing.to_owned(),
            "api_clients[0].jwks_uri: is the only credential",
        ),
        (
            one.to_owned(),
            format!("{signing}\n{both}"),
            "callback_endpoints[0].signing_secrets",
        ),
    ] {
        let refused = with(&secrets, &signing).unwrap_err();
        assert!(refused.contains(place), "{refused}");
    }
}

#[test]
fn an_initial_access_token_is_kept_as_a_hash() {
    let application =
        "[[applications]]\nid = \"shop\"\nname = \"Shop\"\ninitial_access_token_required = true\n";
    let token = |token: &str, applications: &str| {
        parse(&format!(
            "{application}[[initial_access_tokens]]\nname = \"partner\"\ntoken = \"env:{token}\"\napplications = [{applications}]\n"
        ))
    };

    let settings = token("NEXT_SECRET", "\"shop\"").unwrap();
    let hash = sha256(b"wQ4nYs7TgKx2VpRb9LmZcJ6e");
    assert_eq!(settings.initial_access_tokens["partner"].token_hash, hash);
    assert!(plan(&settings, &settings).changes.is_empty());

    for (refused, place) in [
        (
            token("SHORT", "\"shop\""),
            "initial_access_tokens[0].token: must be random",
        ),
        (
            token("NEXT_SECRET", ""),
            "initial_access_tokens[0].applications: must name",
        ),
        (
            token("NEXT_SECRET", "\"bank\""),
            "initial_access_tokens[0].applications: there is no",
        ),
    ] {
        let refused = refused.unwrap_err();
        assert!(refused.contains(place), "{refused}");
    }
}
