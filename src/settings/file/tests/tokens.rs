//! The sections of the token server.

use std::time::Duration;

use super::{SECRET, parse};
use crate::ids::ClientId;
use crate::jose::SigningAlgorithm;
use crate::settings::{
    ClientCredential, GrantType, Permission, Settings, TokenFormat, TokenPolicy, plan,
};

const TOKENS: &str = r#"
[[api_clients]]
client_id = "gateway"
client_secret = "env:PORTAL_SECRET"
permissions = ["token_introspection", "list_users"]
resource_servers = ["orders-api"]
administers = ["shop", "bank"]

[[applications]]
id = "bank"
name = "Demo Bank"
redirect_uris = ["bank://login"]
scopes = ["openid", "orders"]
skip_consent = false
tokens = { refresh_token_lifetime_seconds = 7776000 }

[[web_clients]]
client_id = "shop"
name = "Shop"
client_secret = "env:PORTAL_SECRET"
redirect_uris = ["https://shop.example/cb"]
grant_types = ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"]
scopes = ["openid", "orders"]
require_pushed_authorization_requests = true
tokens = { access_token_format = "jwt", access_token_lifetime_seconds = 300, signing_algorithm = "RS256" }

[[web_clients]]
client_id = "television"
name = "Television"
grant_types = ["urn:ietf:params:oauth:grant-type:device_code"]

[[web_clients]]
client_id = "keyed"
name = "Keyed"
public_jwk = { kty = "EC", crv = "P-256", x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", kid = "1" }
grant_types = ["client_credentials"]

[[scopes]]
id = "orders"
descriptions = { en = "See your orders" }

[[resource_servers]]
id = "orders-api"
name = "Orders"
audience = "https://api.shop.example"
permitted_clients = ["shop", "bank"]
scopes = ["orders"]
access_token_format = "jwt"
access_token_lifetime_seconds = 300
signing_algorithm = "RS256"

[[resource_servers]]
id = "other-api"
name = "Other"
audience = "urn:example:other"

[tokens]
refresh_grace_seconds = 5
signing_key_rotation_days = 30
"#;

fn settings() -> Settings {
    parse(TOKENS).unwrap()
}

#[test]
fn the_example_is_read_in_full() {
    let settings = settings();
    let client = |id| {
        settings.web_clients[&ClientId::new(id).unwrap()]
            .as_ref()
            .clone()
    };

    let shop = client("shop");
    assert!(
        shop.may_use(GrantType::DeviceCode)
            && !shop.skip_consent
            && shop.require_pushed_authorization_requests
    );

    assert!(matches!(
        shop.credentials[..],
        [ClientCredential::SecretHash(_)]
    ));

    assert_eq!(shop.tokens.access_token_format, TokenFormat::Jwt);

    assert_eq!(
        shop.tokens.refresh_token_lifetime(),
        TokenPolicy::default().refresh_token_lifetime()
    );

    assert!(client("television").is_public() && client("television").scopes.is_empty());

    assert!(
        matches!(&client("keyed").credentials[..], [ClientCredential::PublicKey(key)] if !key.contains("kid"))
    );

    let server = settings
        .resource_server_by_audience("https://api.shop.example")
        .unwrap();
    assert!(server.permits("bank") && server.signing_algorithm == Some(SigningAlgorithm::Rs256));

    let bank = settings.applications.values().next().unwrap();
    assert!(!bank.skip_consent && bank.scopes.contains("orders"));

    assert_eq!(
        bank.tokens.access_token_lifetime(),
        Duration::from_secs(900)
    );

    assert!(
        settings
            .api_clients
            .values()
            .all(|client| client.permissions.contains(&Permission::ListUsers))
    );

    assert_eq!(settings.tokens.refresh_grace(), Duration::from_secs(5));
    assert!(!format!("{settings:?}").contains(SECRET));
}

#[test]
fn defaults_are_as_documented() {
    let settings = parse("[[applications]]\nid = \"bank\"\nname = \"Bank\"").unwrap();
    let bank = settings.applications.values().next().unwrap();
    assert!(bank.skip_consent && bank.scopes.is_empty());
    assert_eq!(bank.tokens, TokenPolicy::default());

    assert_eq!(
        (
            settings.tokens.refresh_grace_seconds,
            settings.tokens.signing_key_rotation_days
        ),
        (10, 90)
    );
}

/// Each case replaces a text of the example and has what the error must say.
#[test]
fn each_mistake_is_reported_with_its_place() {
    let long_scope = format!("id = \"{}\"", "x".repeat(65));

    let eleven = format!(
        "redirect_uris = [{}]",
        ["\"https://shop.example/cb\""; 11].join(", ")
    );

    let long_uri = format!("https://shop.example/{}", "x".repeat(2_048));

    let cases = [
        (
            "resource_servers = [\"orders-api\"]",
            "resource_servers = [\"x\"]",
            "api_clients[0].resource_servers: there is no",
        ),
        (
            "\"token_introspection\", ",
            "",
            "api_clients[0].resource_servers: is only allowed",
        ),
        (
            "administers = [\"shop\"",
            "administers = [\"gateway\"",
            "api_clients[0].administers: there is no web client",
        ),
        (
            ", \"list_users\"",
            "",
            "api_clients[0].administers: is only allowed",
        ),
        (
            "client_id = \"shop\"",
            "client_id = \"gateway\"",
            "web_clients[0].client_id: there is an API client",
        ),
        (
            "client_id = \"shop\"",
            "client_id = \"bank\"",
            "web_clients[0].client_id: there is an application",
        ),
        (
            "client_id = \"shop\"",
            "client_id = \"shöp\"",
            "web_clients[0].client_id: must be printable",
        ),
        (
            "client_id = \"shop\"",
            "client_id = \"keyed\"",
            "web_clients[2]: there is another web_clients",
        ),
        ("name = \"Shop\"", "name = \"\"", "web_clients[0].name"),
        (
            "name = \"Shop\"",
            "",
            "web_clients[0]: missing field `name`",
        ),
        (
            "name = \"Shop\"",
            "name = \"Shop\"\nclient_secret_sha256 = \"x\"",
            "web_clients[0].client_secret_sha256: must be a SHA-256 hash",
        ),
        (
            "name = \"Television\"",
            "name = \"T\"\nclient_secret = \"env:SHORT\"",
            "web_clients[1].client_secret: must be random",
        ),
        (
            "name = \"Television\"",
            "name = \"T\"\nclient_secret = \"hunter2\"",
            "web_clients[1].client_secret: must be a reference",
        ),
        (
            "crv = \"P-256\"",
            "crv = \"P-384\"",
            "web_clients[2].public_jwk: must be a public key as a JSON Web Key",
        ),
        ("x = \"f83", "x = \"g83", "web_clients[2].public_jwk"),
        (
            "https://shop.example/cb",
            "shop://cb",
            "web_clients[0].redirect_uris[0]: must be an absolute URI",
        ),
        (
            "https://shop.example/cb",
            "http://shop.example/cb",
            "web_clients[0].redirect_uris[0]: must be an absolute URI",
        ),
        (
            "https://shop.example/cb",
            &long_uri,
            "web_clients[0].redirect_uris[0]: must have at most 2048 bytes",
        ),
        (
            "redirect_uris = [\"https://shop.example/cb\"]",
            &eleven,
            "web_clients[0].redirect_uris: must be at most 10",
        ),
        (
            "redirect_uris = [\"https://shop.example/cb\"]",
            &eleven,
            "web_clients[0].redirect_uris[1]: is listed twice",
        ),
        (
            "redirect_uris = [\"https://shop.example/cb\"]",
            "",
            "web_clients[0].redirect_uris: must have at least one",
        ),
        (
            "grant_types = [\"client_credentials\"]",
            "grant_types = []",
            "web_clients[2].grant_types: must name",
        ),
        (
            "grant_types = [\"client_credentials\"]",
            "grant_types = [\"password\"]",
            "web_clients[2].grant_types[0]",
        ),
        (
            "grant_types = [\"client_credentials\"]",
            "grant_types = [\"refresh_token\"]",
            "web_clients[2].grant_types: refresh_token needs",
        ),
        (
            "grant_types = [\"urn:",
            "grant_types = [\"client_credentials\", \"urn:",
            "web_clients[1].grant_types: client_credentials needs",
        ),
        (
            "grant_types = [\"urn:",
            "grant_types = [\"urn:ietf:params:oauth:grant-type:token-exchange\", \"urn:",
            "web_clients[1].grant_types: urn:ietf:params:oauth:grant-type:token-exchange needs",
        ),
        (
            "scopes = [\"openid\", \"orders\"]\nrequire",
            "scopes = [\"device\"]\nrequire",
            "web_clients[0].scopes: \"device\" is only for devices",
        ),
        (
            "scopes = [\"openid\", \"orders\"]\nrequire",
            "scopes = [\"payments\"]\nrequire",
            "web_clients[0].scopes: there is no scope",
        ),
        (
            "scopes = [\"openid\", \"orders\"]",
            "scopes = [\"payments\"]",
            "applications[0].scopes: there is no scope",
        ),
        (
            "scopes = [\"orders\"]",
            "scopes = [\"payments\"]",
            "resource_servers[0].scopes: there is no scope",
        ),
        (
            "= 7776000",
            "= 59",
            "applications[0].tokens.refresh_token_lifetime_seconds: must be from 60",
        ),
        (
            "= 7776000",
            "= 31536001",
            "applications[0].tokens.refresh_token_lifetime_seconds: must be from 60",
        ),
        (
            "= 7776000",
            "= 61, refresh_token_max_lifetime_seconds = 60",
            "applications[0].tokens.refresh_token_max_lifetime_seconds",
        ),
        (
            "access_token_lifetime_seconds = 300,",
            "access_token_lifetime_seconds = 29,",
            "web_clients[0].tokens.access_token_lifetime_seconds",
        ),
        (
            "access_token_lifetime_seconds = 300\n",
            "access_token_lifetime_seconds = 86401\n",
            "resource_servers[0].access_token_lifetime_seconds",
        ),
        (
            "access_token_format = \"jwt\"",
            "access_token_format = \"saml\"",
            "web_clients[0].tokens.access_token_format",
        ),
        (
            "signing_algorithm = \"RS256\"",
            "signing_algorithm = \"none\"",
            "web_clients[0].tokens.signing_algorithm",
        ),
        (
            "id = \"orders\"",
            "id = \"my orders\"",
            "scopes[0].id: must have 1 to 64",
        ),
        (
            "id = \"orders\"",
            "id = 'or\"ders'",
            "scopes[0].id: must have 1 to 64",
        ),
        (
            "id = \"orders\"",
            "id = 'or\\ders'",
            "scopes[0].id: must have 1 to 64",
        ),
        (
            "id = \"orders\"",
            &long_scope,
            "scopes[0].id: must have 1 to 64",
        ),
        (
            "en = \"See your orders\"",
            "en = \"\"",
            "scopes[0].descriptions.en",
        ),
        (
            "en = \"See your orders\"",
            "english = \"x\", e = \"y\"",
            "scopes[0].descriptions: \"e\" is not",
        ),
        (
            "https://api.shop.example",
            "urn:example:other",
            "resource_servers[0].audience: there is another",
        ),
        (
            "https://api.shop.example",
            "https://api.shop.example#x",
            "resource_servers[0].audience: must be an absolute",
        ),
        (
            "https://api.shop.example",
            "orders",
            "resource_servers[0].audience: must be an absolute",
        ),
        (
            "permitted_clients = [\"shop\"",
            "permitted_clients = [\"gateway\"",
            "resource_servers[0].permitted_clients: there is no",
        ),
        (
            "refresh_grace_seconds = 5",
            "refresh_grace_seconds = 31",
            "tokens.refresh_grace_seconds: must be from 0 to 30",
        ),
        (
            "signing_key_rotation_days = 30",
            "signing_key_rotation_days = 0",
            "tokens.signing_key_rotation_days",
        ),
        ("signing_key_rotation_days = 30", "rotation = 1", "tokens"),
    ];

    for (text, instead, said) in cases {
        assert!(TOKENS.contains(text), "{text} is not in the example");
        let error = parse(&TOKENS.replacen(text, instead, 1)).expect_err(instead);
        assert!(
            error.lines().any(|line| line.contains(said)),
            "{instead}: expected {said}, found {error}"
        );

        for secret in [SECRET, "hunter2"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
}

#[test]
fn a_plan_names_what_changes() {
    let current = settings();
    assert_eq!(plan(&current, &current).changes, []);

    let wanted = TOKENS
        .replace("refresh_grace_seconds = 5", "refresh_grace_seconds = 6")
        .replace("See your orders", "See them")
        .replace("id = \"other-api\"", "id = \"another-api\"")
        .replace("skip_consent = false", "skip_consent = true")
        .replace(
            "name = \"Television\"",
            "name = \"Television\"\nclient_secret = \"env:PORTAL_SECRET\"",
        );

    let expected = "change applications \"bank\" (skip_consent)\n\
                    create resource_servers \"another-api\"\n\
                    change scopes \"orders\" (descriptions)\n\
                    change tokens \"general\" (refresh_grace_seconds)\n\
                    change web_clients \"television\" (client_secret_sha256)\n\
                    remove resource_servers \"other-api\"\n\
                    6 to change, 5 unchanged";

    assert_eq!(
        plan(&current, &parse(&wanted).unwrap()).to_string(),
        expected
    );
}
