use super::*;
use crate::settings::{ClientCredential, plan};

mod credentials;
mod tokens;

const SECRET: &str = "kZ8vTqL3xN7wRb2MfJ5sHd9C";
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "PORTAL_SECRET" | "TWILIO_TOKEN" | "CALLBACK_PASSWORD" => SECRET,
        "WHSEC" => WHSEC,
        "P8" => "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----",
        "FCM" => r#"{"project_id":"p","client_email":"e","private_key":"k","token_uri":"t"}"#,
        "NEXT_SECRET" => "wQ4nYs7TgKx2VpRb9LmZcJ6e",
        "NEXT_WHSEC" => "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
        "SHORT" => "hunter2",
        "EMPTY" => "",
        _ => return None,
    };

    Some(value.to_owned())
}

fn parse(text: &str) -> Result<Settings, String> {
    Settings::from_toml(text, Path::new("/nowhere"), &environment)
        .map_err(|error| error.to_string())
}

/// The example of the contract's §7, with references that this test can resolve.
const FULL: &str = r#"
[[api_clients]]
client_id = "portal"
client_secret = "env:PORTAL_SECRET"
permissions = ["mobile_authentication", "user_authentication", "end_user", "events", "token_introspection"]

[[applications]]
id = "bank"
name = "Demo Bank"
redirect_uris = ["bank://login"]
pin = { enabled = true, max_attempts = 3 }
fingerprint = { enabled = true }

[[applications.versions]]
platform = "android"
version = "1.0"
status = "LOGIN_REGISTRATION"
push_configuration = "fcm"

[[applications.versions]]
platform = "ios"
version = "1.0"
status = "LOGIN_REGISTRATION"
push_configuration = "apns"
apns_environment = "development"
bundle_id = "com.example.bank"

[[push_configurations]]
name = "fcm"
platform = "android"
service_account = "env:FCM"
endpoint = "http://127.0.0.1:9101"

[[push_configurations]]
name = "apns"
platform = "ios"
team_id = "TEAM123456"
key_id = "KEY1234567"
auth_key = "env:P8"
endpoint = "https://127.0.0.1:9102"

[sms]
gateway = "twilio"
account_sid = "AC1"
auth_token = "env:TWILIO_TOKEN"
from_number = "+15005550006"

[[authentication_types]]
name = "login"
method = "PUSH"
time_to_live_seconds = 120
max_attempts = 3
max_resends = 1
default_messages = { en = "Approve?", nl = "Akkoord?" }

[[authentication_types]]
name = "sms"
method = "SMS"
time_to_live_seconds = 300
sender_id = "Demo"
web_origin = "portal.example"

[[callback_endpoints]]
url = "https://portal.example/callback"
username = "countersign"
password = "env:CALLBACK_PASSWORD"
signing_secret = "env:WHSEC"
allow_private = false

[mobile_authentication]
prompts_per_hour_max = 30
"#;

#[test]
fn the_example_is_read_in_full() {
    let settings = parse(FULL).unwrap();
    assert_eq!(settings.applications.len(), 1);
    assert_eq!(settings.push_configurations.len(), 2);

    assert_eq!(
        settings.authentication_types["sms"].web_origin.as_deref(),
        Some("portal.example")
    );

    assert_eq!(
        settings.callback_endpoints["https://portal.example/callback"].signing_secrets[0].expose(),
        WHSEC
    );

    assert_eq!(settings.mobile_authentication.prompts_per_hour_max, 30);
    assert!(settings.mobile_authentication.enabled);

    let client = settings.api_clients.values().next().unwrap();
    assert!(matches!(
        client.credentials[..],
        [ClientCredential::SecretHash(_)]
    ));
    assert!(!format!("{settings:?}").contains(SECRET));
}

/// Each case replaces a text of the example and has the place that the error must name.
#[test]
fn each_mistake_is_reported_with_its_place() {
    let cases = [
        (
            "client_secret = \"env:PORTAL_SECRET\"",
            "client_secret = \"kZ8vTqL3xN7wRb2MfJ5sHd9C\"",
            "api_clients[0].client_secret: must be a reference",
        ),
        (
            "client_secret = \"env:PORTAL_SECRET\"",
            "client_secret = 4711",
            "api_clients[0].client_secret: must be text",
        ),
        (
            "client_secret = \"env:PORTAL_SECRET\"",
            "client_secret = \"env:SHORT\"",
            "api_clients[0].client_secret: must be random",
        ),
        (
            "client_secret = \"env:PORTAL_SECRET\"",
            "client_secret = \"env:EMPTY\"",
            "api_clients[0].client_secret: env:EMPTY is empty",
        ),
        (
            "client_secret = \"env:PORTAL_SECRET\"",
            "client_secret = \"env:NONE\"",
            "api_clients[0].client_secret: the variable NONE is not set",
        ),
        (
            "client_secret = \"env:PORTAL_SECRET\"",
            "client_secret = \"file:none.txt\"",
            "api_clients[0].client_secret: cannot read /nowhere/none.txt",
        ),
        (
            "client_secret = \"env:PORTAL_SECRET\"",
            "",
            "api_clients[0].client_secret: give a client_secret, a public_jwk or a jwks_uri",
        ),
        (
            "client_secret = \"env:PORTAL_SECRET\"",
            "public_jwk = { kty = \"EC\" }",
            "api_clients[0].public_jwk",
        ),
        (
            "\"end_user\"",
            "\"end_userr\"",
            "api_clients[0].permissions[2]",
        ),
        (
            "client_id = \"portal\"",
            "client_id = \"\"",
            "api_clients[0].client_id",
        ),
        (
            "\"bank://login\"",
            "\"javascript:alert(1)\"",
            "applications[0].redirect_uris[0]",
        ),
        (
            "\"bank://login\"",
            "\"bank://login#x\"",
            "applications[0].redirect_uris[0]",
        ),
        (
            "\"bank://login\"",
            "\"/login\"",
            "applications[0].redirect_uris[0]",
        ),
        (
            "\"bank://login\"",
            "\"http://bank.example/\"",
            "applications[0].redirect_uris[0]",
        ),
        (
            "push_configuration = \"fcm\"",
            "push_configuration = \"gcm\"",
            "applications[0].versions[0].push_configuration: there is no",
        ),
        (
            "push_configuration = \"fcm\"",
            "push_configuration = \"apns\"",
            "applications[0].versions[0].push_configuration: the push",
        ),
        (
            "bundle_id = \"com.example.bank\"",
            "",
            "applications[0].versions[1].bundle_id",
        ),
        (
            "status = \"LOGIN_REGISTRATION\"\npush_configuration = \"fcm\"",
            "status = \"OPEN\"",
            "applications[0].versions[0].status",
        ),
        (
            "team_id = \"TEAM123456\"",
            "",
            "push_configurations[1].team_id: is required",
        ),
        (
            "team_id = \"TEAM123456\"",
            "team_id = \"T\"\nservice_account = \"env:FCM\"",
            "push_configurations[1].service_account: is not allowed",
        ),
        (
            "auth_key = \"env:P8\"",
            "auth_key = \"env:FCM\"",
            "push_configurations[1].auth_key",
        ),
        (
            "service_account = \"env:FCM\"",
            "service_account = \"env:P8\"",
            "push_configurations[0].service_account",
        ),
        (
            "endpoint = \"http://127.0.0.1:9101\"",
            "endpoint = \"127.0.0.1\"",
            "push_configurations[0].endpoint",
        ),
        (
            "name = \"fcm\"",
            "name = \"apns\"",
            "push_configurations[1]: there is another",
        ),
        (
            "time_to_live_seconds = 120",
            "time_to_live_seconds = 601",
            "authentication_types[0].time_to_live_seconds",
        ),
        (
            "time_to_live_seconds = 120",
            "time_to_live_seconds = 0",
            "authentication_types[0].time_to_live_seconds",
        ),
        (
            "time_to_live_seconds = 120",
            "",
            "authentication_types[0]: missing field `time_to_live_seconds`",
        ),
        (
            "time_to_live_seconds = 120",
            "time_to_live_seconds = -1",
            "authentication_types[0].time_to_live_seconds",
        ),
        (
            "method = \"PUSH\"",
            "method = \"PIGEON\"",
            "authentication_types[0].method",
        ),
        (
            "method = \"PUSH\"",
            "method = \"PUSH\"\ncolour = 1",
            "authentication_types[0]",
        ),
        (
            "web_origin = \"portal.example\"",
            "web_origin = \"https://portal.example\"",
            "authentication_types[1].web_origin",
        ),
        (
            "web_origin = \"portal.example\"",
            "web_origin = \"10.0.0.1\"",
            "authentication_types[1].web_origin",
        ),
        (
            "sender_id = \"Demo\"",
            "sender_id = \"Much too long a sender\"",
            "authentication_types[1].sender_id",
        ),
        (
            "method = \"SMS\"",
            "method = \"OTP\"",
            "authentication_types[1].sender_id: is only allowed",
        ),
        (
            "https://portal.example/callback",
            "http://portal.example/callback",
            "callback_endpoints[0].url: must be https",
        ),
        (
            "https://portal.example/callback",
            "https://u:p@portal.example/",
            "callback_endpoints[0].url",
        ),
        (
            "https://portal.example/callback",
            "portal.example",
            "callback_endpoints[0].url",
        ),
        (
            "signing_secret = \"env:WHSEC\"",
            "signing_secret = \"env:WHSEC\"\nclients = [\"nobody\"]",
            "callback_endpoints[0].clients: there is no API client with the id",
        ),
        (
            "signing_secret = \"env:WHSEC\"",
            "signing_secret = \"env:SHORT\"",
            "callback_endpoints[0].signing_secret",
        ),
        (
            "password = \"env:CALLBACK_PASSWORD\"",
            "",
            "callback_endpoints[0].password",
        ),
        (
            "prompts_per_hour_max = 30",
            "prompts_per_hour_max = 0",
            "mobile_authentication.prompts_per_hour_max",
        ),
        (
            "prompts_per_hour_max = 30",
            "prompts = 0",
            "mobile_authentication",
        ),
        (
            "gateway = \"twilio\"",
            "gateway = \"http\"",
            "sms.account_sid: is not allowed",
        ),
        (
            "gateway = \"twilio\"",
            "gateway = \"pigeon\"",
            "sms.gateway",
        ),
        ("[sms]", "[smsx]", "smsx"),
        ("[sms]", "[sms", "line 42"),
    ];

    for (line, instead, place) in cases {
        assert!(FULL.contains(line), "{line} is not in the example");
        let error = parse(&FULL.replacen(line, instead, 1)).expect_err(instead);
        assert!(
            error.lines().any(|line| line.contains(place)),
            "{instead}: expected {place}, found {error}"
        );

        for secret in [SECRET, WHSEC, "hunter2", "4711"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
}

#[test]
fn all_invalid_values_are_reported_at_once() {
    let text = FULL
        .replace("time_to_live_seconds = 120", "time_to_live_seconds = 0")
        .replace("bank://login", "x");
    assert_eq!(parse(&text).unwrap_err().lines().count(), 2);
}

#[test]
fn a_plan_names_what_changes_and_shows_no_secret() {
    let current = parse(FULL).unwrap();
    assert_eq!(plan(&current, &current).changes, []);

    let wanted = FULL
        .replace("env:CALLBACK_PASSWORD", "env:WHSEC")
        .replace("time_to_live_seconds = 120", "time_to_live_seconds = 60")
        .replace("client_id = \"portal\"", "client_id = \"other\"");
    let plan = plan(&current, &parse(&wanted).unwrap());

    let expected = "create api_clients \"other\"\n\
                    change authentication_types \"login\" (time_to_live_seconds)\n\
                    change callback_endpoints \"https://portal.example/callback\" (password)\n\
                    remove api_clients \"portal\"\n\
                    4 to change, 7 unchanged";

    assert_eq!(plan.to_string(), expected);
}

#[test]
fn an_empty_file_is_an_empty_configuration() {
    let settings = parse("").unwrap();
    assert!(settings.api_clients.is_empty() && settings.sms.is_none());

    assert_eq!(
        *settings.mobile_authentication,
        MobileAuthentication::default()
    );
}
