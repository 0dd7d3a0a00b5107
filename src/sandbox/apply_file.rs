//! A configuration file for `countersign apply` that makes a server use the stand-ins.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::credentials::Credentials;
use super::shared::Endpoints;

/// The files that the configuration refers to, with their contents.
fn files(credentials: &Credentials) -> [(&'static str, &str); 6] {
    [
        ("AuthKey.p8", &credentials.apns_auth_key),
        ("sandbox-ca.pem", &credentials.ca_certificate),
        ("service-account.json", &credentials.fcm_service_account),
        ("twilio-token", &credentials.twilio_auth_token),
        ("callback-password", &credentials.callback_password),
        (
            "callback-signing-secret",
            &credentials.callback_signing_secret,
        ),
    ]
}

pub(super) fn render(endpoints: &Endpoints, credentials: &Credentials) -> String {
    let Endpoints {
        apns,
        fcm,
        twilio,
        website,
        ..
    } = endpoints;

    let Credentials {
        apns_team_id,
        apns_key_id,
        twilio_account_sid,
        twilio_from_number,
        callback_username,
        ..
    } = credentials;

    format!(
        r#"# The stand-ins of `countersign sandbox`. Rewritten at each start.

[[push_configurations]]
name = "fcm"
platform = "android"
service_account = "file:service-account.json"
endpoint = "{fcm}"

[[push_configurations]]
name = "apns"
platform = "ios"
team_id = "{apns_team_id}"
key_id = "{apns_key_id}"
auth_key = "file:AuthKey.p8"
endpoint = "{apns}"
ca_certificate = "file:sandbox-ca.pem"

[sms]
gateway = "twilio"
account_sid = "{twilio_account_sid}"
auth_token = "file:twilio-token"
from_number = "{twilio_from_number}"
endpoint = "{twilio}"

[[callback_endpoints]]
url = "{website}/callback"
username = "{callback_username}"
password = "file:callback-password"
signing_secret = "file:callback-signing-secret"
allow_private = true
"#
    )
}

pub(super) fn write(
    folder: &Path,
    endpoints: &Endpoints,
    credentials: &Credentials,
) -> io::Result<()> {
    fs::create_dir_all(folder)?;

    for (name, content) in files(credentials) {
        write_private(&folder.join(name), content)?;
    }

    write_private(
        &folder.join("sandbox.toml"),
        &render(endpoints, credentials),
    )
}

/// Replaces a file. An existing one is removed first, because it would keep its mode.
fn write_private(path: &Path, content: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?
            .write_all(content.as_bytes()),
    }
}
