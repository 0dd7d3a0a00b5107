//! What a device says about itself when it registers (RFC 7591 §2): read and checked.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::ids::{ApplicationId, DeviceId};
use crate::jose::PublicJwk;
use crate::settings::Platform;

/// The longest name of a device, model or version, in characters.
pub const TEXT_CHARACTERS_MAX: usize = 100;
/// The longest explanation in an error, in characters: it may quote what the client sent.
const EXPLANATION_CHARACTERS_MAX: usize = 200;
/// The only way in which devices authenticate (RFC 7591 §2).
const AUTH_METHOD: &str = "private_key_jwt";

/// Why a registration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationRefusal {
    /// `invalid_client_metadata`, 400.
    #[error("{0}")]
    InvalidMetadata(String),
    /// `invalid_client_metadata`, 403: the version is disabled or closed for new devices.
    #[error("This version of the application accepts no registrations: upgrade it.")]
    VersionClosed,
    /// `invalid_token`, 401: the application takes registrations with an initial access token of its own
    /// only (RFC 7591 §3), or the one that was sent is none.
    #[error("An initial access token of this application is required to register.")]
    InitialAccessToken,
    /// `invalid_token`, 401: there is no such registration, or the token is not its token. RFC 7592
    /// §2 does not let the client tell the two apart.
    #[error("The registration access token does not belong to this client.")]
    InvalidToken,
    /// `too_many_requests`, 429: too many have registered from this address, or in all.
    #[error("Too many devices have registered in this hour; try again in the next.")]
    TooMany,
}

pub(super) fn invalid(explanation: &str) -> RegistrationRefusal {
    RegistrationRefusal::InvalidMetadata(explanation.to_owned())
}

/// What a device says about itself. Each member is checked by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMetadata {
    /// Present when a registration is changed.
    pub client_id: Option<DeviceId>,
    /// `software_id`: the application.
    pub application_id: ApplicationId,
    /// `software_version`.
    pub application_version: String,
    pub platform: Platform,
    /// `device_name`, or else the model or the platform.
    pub device_name: String,
    pub device_model: Option<String>,
    pub os_version: Option<String>,
    /// The one key of `jwks`.
    pub public_key: PublicJwk,
}

/// As on the wire. Unknown members are ignored (RFC 7591 §2).
#[derive(Deserialize)]
struct WireMetadata {
    client_id: Option<DeviceId>,
    software_id: ApplicationId,
    software_version: String,
    platform: Platform,
    device_name: Option<String>,
    device_model: Option<String>,
    os_version: Option<String>,
    jwks: Jwks,
    jwks_uri: Option<IgnoredAny>,
    token_endpoint_auth_method: String,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<PublicJwk>,
}

impl ClientMetadata {
    /// Reads and checks the body of a registration request.
    pub fn from_json(body: &[u8]) -> Result<Self, RegistrationRefusal> {
        let wire: WireMetadata = serde_json::from_slice(body).map_err(|error| {
            let explanation = format!("The client metadata cannot be accepted: {error}.");
            // The parser's message quotes the request, which may be long.
            let shortened: String = explanation
                .chars()
                .take(EXPLANATION_CHARACTERS_MAX)
                .collect();
            invalid(&shortened)
        })?;

        if wire.token_endpoint_auth_method != AUTH_METHOD {
            return Err(invalid(
                "`token_endpoint_auth_method` must be `private_key_jwt`.",
            ));
        }

        // The server fetches nothing from addresses that an unknown caller names.
        if wire.jwks_uri.is_some() {
            return Err(invalid(
                "`jwks_uri` is not accepted: give the key itself in `jwks`.",
            ));
        }

        // With two keys nobody could say which of them a signature has to be made with.
        let [public_key] = <[PublicJwk; 1]>::try_from(wire.jwks.keys)
            .map_err(|_| invalid("`jwks` must hold exactly one key, of the curve P-256."))?;

        let device_model = wire.device_model.as_deref().and_then(tidied);
        let device_name = wire
            .device_name
            .as_deref()
            .and_then(tidied)
            .or_else(|| device_model.clone())
            .unwrap_or_else(|| wire.platform.default_device_name().to_owned());

        Ok(Self {
            client_id: wire.client_id,
            application_id: wire.software_id,
            application_version: check_text("software_version", wire.software_version)?,
            platform: wire.platform,
            device_name,
            device_model,
            os_version: wire.os_version.as_deref().and_then(tidied),
            public_key,
        })
    }
}

/// What a phone or its user calls something, for people to read: cut, without control characters. A blank
/// one is none.
fn tidied(text: &str) -> Option<String> {
    let visible = text.chars().filter(|character| !character.is_control());
    let cut: String = visible.take(TEXT_CHARACTERS_MAX).collect();
    let trimmed = cut.trim();

    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

fn check_text(member: &str, text: String) -> Result<String, RegistrationRefusal> {
    let visible = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if visible && text.chars().count() <= TEXT_CHARACTERS_MAX {
        Ok(text)
    } else {
        Err(invalid(&format!(
            "`{member}` must be 1 to {TEXT_CHARACTERS_MAX} characters, no control characters."
        )))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jose::PrivateJwk;
    use crate::random::SystemRandom;

    fn jwk() -> Value {
        serde_json::to_value(PrivateJwk::generate(&SystemRandom).unwrap().public()).unwrap()
    }

    fn good() -> Value {
        json!({
            "software_id": "bank", "software_version": "1.0", "platform": "android", "device_name": "Alice's phone",
            "device_model": "P8", "os_version": "16", "jwks": { "keys": [jwk()] },
            "token_endpoint_auth_method": "private_key_jwt",
        })
    }

    fn parse(metadata: &Value) -> Result<ClientMetadata, RegistrationRefusal> {
        ClientMetadata::from_json(metadata.to_string().as_bytes())
    }

    #[test]
    fn a_nameless_device_gets_a_name() {
        assert_eq!(parse(&good()).unwrap().device_name, "Alice's phone");
        let mut metadata = good();
        metadata["device_name"] = Value::Null;
        assert_eq!(parse(&metadata).unwrap().device_name, "P8");
        metadata.as_object_mut().unwrap().remove("device_model");
        assert_eq!(parse(&metadata).unwrap().device_name, "Android device");
    }

    #[test]
    fn names_are_cut_and_blank_ones_are_omitted() {
        let named = |name: Value| {
            let mut metadata = good();
            metadata["device_name"] = name;
            parse(&metadata).unwrap().device_name
        };

        for (name, expected) in [
            ("", "P8"),
            (" \t", "P8"),
            ("\u{0}\u{1b}", "P8"),
            (" Alice\u{0}'s phone\n", "Alice's phone"),
            ("Ж", "Ж"),
        ] {
            assert_eq!(named(json!(name)), expected, "{name:?}");
        }
        assert_eq!(named(json!("Ж".repeat(300))), "Ж".repeat(100));
    }

    #[test]
    fn every_member_is_checked_for_absence_type_and_bounds() {
        let long = "x".repeat(300);
        let wrong = [
            json!(null),
            json!(""),
            json!(7),
            json!(["bank"]),
            json!({}),
            json!("a\u{0}b"),
            json!(long),
        ];

        for name in [
            "software_id",
            "software_version",
            "platform",
            "token_endpoint_auth_method",
            "jwks",
        ] {
            let mut metadata = good();
            metadata.as_object_mut().unwrap().remove(name);
            assert!(parse(&metadata).is_err(), "{metadata}");

            for value in &wrong {
                metadata[name] = value.clone();
                assert!(parse(&metadata).is_err(), "{metadata}");
            }
        }

        for name in ["device_name", "device_model", "os_version"] {
            for value in [json!(7), json!(["bank"]), json!({})] {
                let mut metadata = good();
                metadata[name] = value;
                assert!(parse(&metadata).is_err(), "{metadata}");
            }
        }

        for (name, value) in [
            ("jwks", json!({ "keys": [] })),
            ("jwks", json!({ "keys": [jwk(), jwk()] })),
            (
                "jwks",
                json!({ "keys": [{ "kty": "RSA", "n": "AQAB", "e": "AQAB" }] }),
            ),
            ("jwks", json!({ "keys": [null] })),
            ("jwks_uri", json!("https://evil.test/keys")),
            ("platform", json!("windows")),
            ("token_endpoint_auth_method", json!("none")),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
        ] {
            let mut metadata = good();
            metadata[name] = value;
            assert!(parse(&metadata).is_err(), "{metadata}");
        }
    }

    #[test]
    fn explanations_are_bounded() {
        let mut metadata = good();
        metadata["platform"] = json!("x".repeat(10_000));

        let Err(RegistrationRefusal::InvalidMetadata(explanation)) = parse(&metadata) else {
            panic!("accepted")
        };
        assert!(explanation.len() <= EXPLANATION_CHARACTERS_MAX);
    }
}
