//! What may be registered: the metadata of an installation (RFC 7591 §2), decided purely.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Device;
use crate::ids::{ApplicationId, DeviceId};
use crate::jose::PublicJwk;
use crate::settings::{Platform, Settings, VersionStatus};

/// The longest name of a device, model or version, in characters.
pub const TEXT_CHARACTERS_MAX: usize = 100;
/// The longest explanation given, in characters: it may quote what the client sent.
const EXPLANATION_CHARACTERS_MAX: usize = 200;
/// The one way installations authenticate (RFC 7591 §2).
const AUTH_METHOD: &str = "private_key_jwt";

/// Why a registration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationRefusal {
    /// `invalid_client_metadata`, 400. Tells what is wrong.
    #[error("{0}")]
    InvalidMetadata(String),
    /// `invalid_client_metadata`, 403: the version is disabled or takes no new installations.
    #[error("This version of the application takes no registrations: upgrade it.")]
    VersionClosed,
    /// `invalid_token`, 401: no such registration, or not its token. Which of the two is not told
    /// (RFC 7592 §2).
    #[error("The registration access token is not one of this client.")]
    InvalidToken,
}

fn invalid(explanation: &str) -> RegistrationRefusal {
    RegistrationRefusal::InvalidMetadata(explanation.to_owned())
}

/// What an installation says about itself, each member checked on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMetadata {
    /// `client_id`: given when a registration is changed.
    pub client_id: Option<DeviceId>,
    /// `software_id`: the application.
    pub application_id: ApplicationId,
    /// `software_version`.
    pub application_version: String,
    /// `platform`.
    pub platform: Platform,
    /// `device_name`, or a name made up for it.
    pub device_name: String,
    /// `device_model`.
    pub device_model: Option<String>,
    /// `os_version`.
    pub os_version: Option<String>,
    /// The one key of `jwks`.
    pub public_key: PublicJwk,
}

/// As on the wire. Members we do not know are ignored, as RFC 7591 §2 asks; none of them has any
/// effect.
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
            invalid(
                &explanation
                    .chars()
                    .take(EXPLANATION_CHARACTERS_MAX)
                    .collect::<String>(),
            )
        })?;
        if wire.token_endpoint_auth_method != AUTH_METHOD {
            return Err(invalid(
                "`token_endpoint_auth_method` must be `private_key_jwt`.",
            ));
        }
        if wire.jwks_uri.is_some() {
            return Err(invalid(
                "`jwks_uri` is not accepted: give the key itself in `jwks`.",
            ));
        }
        let [public_key] = <[PublicJwk; 1]>::try_from(wire.jwks.keys)
            .map_err(|_| invalid("`jwks` must hold exactly one key, of the curve P-256."))?;
        let device_model = wire
            .device_model
            .map(|text| check_text("device_model", text))
            .transpose()?;
        let name = wire
            .device_name
            .map(|text| check_text("device_name", text))
            .transpose()?;
        Ok(Self {
            client_id: wire.client_id,
            application_id: wire.software_id,
            application_version: check_text("software_version", wire.software_version)?,
            platform: wire.platform,
            device_name: name
                .or_else(|| device_model.clone())
                .unwrap_or_else(|| default_name(wire.platform)),
            device_model,
            os_version: wire
                .os_version
                .map(|text| check_text("os_version", text))
                .transpose()?,
            public_key,
        })
    }
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

fn default_name(platform: Platform) -> String {
    match platform {
        Platform::Ios => "iOS device",
        Platform::Android => "Android device",
    }
    .to_owned()
}

/// Whether an installation may register so, or, with `registered`, may change its registration to
/// this.
///
/// A change is held to the same rules as a new registration, whatever it leaves as it was; only a
/// version that the installation runs already may be closed for new ones. Application, platform and
/// key are what the registration is about: an installation with others is another one and registers
/// anew.
pub(super) fn decide(
    settings: &Settings,
    metadata: &ClientMetadata,
    registered: Option<&Device>,
) -> Result<(), RegistrationRefusal> {
    if let Some(device) = registered {
        decide_identity(metadata, device)?;
    }
    let version = settings
        .applications
        .get(&metadata.application_id)
        .and_then(|application| {
            application.version(metadata.platform, &metadata.application_version)
        })
        .ok_or_else(|| {
            invalid(
                "`software_id`, `platform` and `software_version` name no version that is known.",
            )
        })?;
    let runs_it_already =
        registered.is_some_and(|device| device.application_version == metadata.application_version);
    match version.status {
        VersionStatus::LoginRegistration => Ok(()),
        VersionStatus::LoginOnly if runs_it_already => Ok(()),
        VersionStatus::LoginOnly | VersionStatus::Disabled => {
            Err(RegistrationRefusal::VersionClosed)
        }
    }
}

fn decide_identity(metadata: &ClientMetadata, device: &Device) -> Result<(), RegistrationRefusal> {
    if metadata.client_id.as_ref() != Some(&device.id) {
        return Err(invalid("`client_id` must be the one of the registration."));
    }
    if metadata.application_id != device.application_id || metadata.platform != device.platform {
        return Err(invalid(
            "`software_id` and `platform` cannot be changed: register anew.",
        ));
    }
    if metadata.public_key != device.public_key {
        return Err(invalid(
            "The key in `jwks` cannot be changed: register anew.",
        ));
    }
    Ok(())
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
            for value in wrong.iter().skip(1) {
                let mut metadata = good();
                metadata[name] = value.clone();
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
