//! What an object must keep to, on its own and with the others. The same for the file and for the
//! management API.

mod clients;
mod redirect_uris;
mod tokens;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use super::objects::{Kind, Object, Objects};
use super::problem::Problem;
use super::{
    AuthenticationMethod, AuthenticationType, CallbackEndpoint, MobileAuthentication,
    PushConfiguration, PushProvider, SmsConfiguration,
};

/// NIST SP 800-63B-4 §3.1.3.2: an out-of-band secret is valid for at most ten minutes.
const TIME_TO_LIVE_SECONDS_MAX: u32 = 600;
/// Longer ones leave too little of a push payload's four kilobytes.
const MESSAGE_CHARACTERS_MAX: u32 = 1_000;
/// Four concatenated text messages.
const SMS_CHARACTERS_MAX: u32 = 600;
const NAME_BYTES_MAX: usize = 255;

/// Everything that is wrong with an object; places are fields of it.
pub(super) fn object(object: &Object, all: &Objects) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    match object {
        Object::ApiClient(client) => clients::api_client(client, all, &mut problems),
        Object::Application(application) => clients::application(application, all, &mut problems),
        Object::AuthenticationType(value) => authentication_type(value, all, &mut problems),
        Object::CallbackEndpoint(endpoint) => callback_endpoint(endpoint, &mut problems),
        Object::MobileAuthentication(general) => mobile_authentication(general, &mut problems),
        Object::PushConfiguration(configuration) => {
            push_configuration(configuration, &mut problems)
        }
        Object::Sms(gateway) => sms(gateway, &mut problems),
        Object::ResourceServer(server) => tokens::resource_server(server, all, &mut problems),
        Object::Scope(scope) => tokens::scope(scope, &mut problems),
        Object::Tokens(general) => tokens::general(general, &mut problems),
        Object::WebClient(client) => clients::web_client(client, all, &mut problems),
    }

    problems.0
}

struct Problems(Vec<Problem>);

impl Problems {
    /// Notes the problem unless the condition holds.
    fn check(&mut self, holds: bool, field: impl Into<String>, problem: impl Into<String>) {
        if !holds {
            self.0.push(Problem::new(field, problem));
        }
    }

    /// A text that can stand in a header, a log and a URL's path.
    fn check_name(&mut self, field: impl Into<String>, name: &str) {
        let fits =
            (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
        self.check(
            fits,
            field,
            format!("must have 1 to {NAME_BYTES_MAX} bytes and no control characters"),
        );
    }

    fn check_range(&mut self, field: impl Into<String>, value: u32, range: RangeInclusive<u32>) {
        let (from, to) = (range.start(), range.end());
        self.check(
            range.contains(&value),
            field,
            format!("must be from {from} to {to}"),
        );
    }

    /// Texts by language code.
    fn check_texts(&mut self, field: &str, texts: &BTreeMap<String, String>, characters_max: u32) {
        for (language, text) in texts {
            let fits = !text.is_empty() && text.chars().count() <= characters_max as usize;
            self.check(
                fits,
                format!("{field}.{language}"),
                format!("must have 1 to {characters_max} characters"),
            );

            let code = (2..=35).contains(&language.len())
                && language
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            self.check(code, field, format!("{language:?} is not a language code"));
        }
    }

    fn check_endpoint(&mut self, endpoint: Option<&Url>) {
        let web = endpoint.is_none_or(|url| is_web(url) && url.query().is_none());
        self.check(
            web,
            "endpoint",
            "must be an http or https address without credentials, query and fragment",
        );
    }
}

/// Whether there is an object of this kind and name.
fn exists(all: &Objects, kind: Kind, name: &str) -> bool {
    all.contains_key(&(kind, name.to_owned()))
}

/// Only what RFC 3986 §2 has in URIs: no blanks, no backslashes, nothing beyond ASCII.
fn has_uri_characters(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte))
}

fn is_web(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && plain
}

fn authentication_type(value: &AuthenticationType, all: &Objects, problems: &mut Problems) {
    problems.check_name("name", &value.name);

    problems.check_range(
        "time_to_live_seconds",
        value.time_to_live_seconds,
        1..=TIME_TO_LIVE_SECONDS_MAX,
    );

    problems.check(
        value.max_attempts <= 100,
        "max_attempts",
        "must be at most 100",
    );

    problems.check(
        value.max_resends <= 100,
        "max_resends",
        "must be at most 100",
    );

    let sms = value.method == AuthenticationMethod::Sms;
    let gateway = !sms || all.keys().any(|(kind, _)| *kind == Kind::Sms);
    problems.check(gateway, "method", "SMS needs a gateway: the section [sms]");

    problems.check(
        sms || value.sender_id.is_none(),
        "sender_id",
        "has no meaning but for SMS",
    );

    problems.check(
        sms || value.web_origin.is_none(),
        "web_origin",
        "has no meaning but for SMS",
    );

    if let Some(sender) = &value.sender_id {
        let problem = "must be a telephone number, a short code, or up to 11 letters, digits and blanks with a letter";
        problems.check(is_sender_id(sender), "sender_id", problem);
    }

    if let Some(host) = &value.web_origin {
        problems.check(
            is_host_name(host),
            "web_origin",
            "must be a host name, such as portal.example",
        );
    }

    let characters_max = if sms {
        SMS_CHARACTERS_MAX
    } else {
        MESSAGE_CHARACTERS_MAX
    };

    problems.check_texts("default_messages", &value.default_messages, characters_max);
}

fn is_sender_id(sender: &str) -> bool {
    let digits = sender.strip_prefix('+').unwrap_or(sender);
    let number =
        (3..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());

    let letters = (1..=11).contains(&sender.len())
        && sender
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
        && sender.bytes().any(|byte| byte.is_ascii_alphabetic());
    number || letters
}

/// As the last line of a text message has it: a domain and nothing else.
fn is_host_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253
        && host.split('.').all(label)
        && matches!(Host::parse(host), Ok(Host::Domain(_)))
}

fn callback_endpoint(endpoint: &CallbackEndpoint, problems: &mut Problems) {
    let url = Url::parse(&endpoint.url).ok().filter(is_web);
    let problem = "must be an absolute http or https address without credentials and fragment";
    problems.check(url.is_some(), "url", problem);
    let secure = url.is_none_or(|url| url.scheme() == "https" || endpoint.allow_private);
    problems.check(
        secure,
        "url",
        "must be https, unless `allow_private` says that it stays in your own network",
    );

    if let Some((username, _)) = &endpoint.credentials {
        problems.check_name("username", username);
        // RFC 7617 §2: the first colon ends the user name.
        problems.check(
            !username.contains(':'),
            "username",
            "must not contain a colon",
        );
    }

    if let Some(secret) = &endpoint.signing_secret {
        let key = secret
            .expose()
            .strip_prefix("whsec_")
            .and_then(|text| STANDARD.decode(text).ok());
        let fits = key.is_some_and(|key| (24..=64).contains(&key.len()));
        problems.check(
            fits,
            "signing_secret",
            "must be `whsec_` and 24 to 64 random bytes in base64",
        );
    }
}

fn mobile_authentication(general: &MobileAuthentication, problems: &mut Problems) {
    problems.check_range(
        "message_characters_max",
        general.message_characters_max,
        1..=MESSAGE_CHARACTERS_MAX,
    );

    problems.check(
        general.prompts_per_5_minutes_max > 0,
        "prompts_per_5_minutes_max",
        "must be at least 1",
    );

    problems.check(
        general.prompts_per_hour_max > 0,
        "prompts_per_hour_max",
        "must be at least 1",
    );

    let kept = (60..=31_536_000).contains(&general.result_retention_seconds);
    problems.check(
        kept,
        "result_retention_seconds",
        "must be from 60 (a minute) to 31536000 (a year)",
    );
}

fn push_configuration(configuration: &PushConfiguration, problems: &mut Problems) {
    problems.check_name("name", &configuration.name);
    problems.check_endpoint(configuration.endpoint.as_ref());
    let certificate = configuration.ca_certificate.as_ref();
    let pem = certificate.is_none_or(|pem| pem.contains("-----BEGIN CERTIFICATE-----"));
    problems.check(
        pem,
        "ca_certificate",
        "must be a certificate in PEM, or `file:PATH` of one",
    );

    match &configuration.provider {
        PushProvider::Apns {
            team_id,
            key_id,
            auth_key,
        } => {
            problems.check_name("team_id", team_id);
            problems.check_name("key_id", key_id);
            let pem = auth_key.expose().contains("-----BEGIN PRIVATE KEY-----");
            problems.check(
                pem,
                "auth_key",
                "must be the .p8 file from Apple: a private key in PEM",
            );
        }
        PushProvider::Fcm { service_account } => {
            let problem = "must be the service account's key file from Google: JSON with project_id, client_email, \
                           private_key and token_uri";
            problems.check(
                is_service_account(service_account.expose()),
                "service_account",
                problem,
            );
        }
    }
}

fn is_service_account(text: &str) -> bool {
    let Ok(account) = serde_json::from_str::<serde_json::Value>(text) else {
        return false;
    };
    ["project_id", "client_email", "private_key", "token_uri"]
        .iter()
        .all(|field| account.get(field).is_some_and(serde_json::Value::is_string))
}

fn sms(gateway: &SmsConfiguration, problems: &mut Problems) {
    match gateway {
        SmsConfiguration::Twilio {
            account_sid,
            from_number,
            endpoint,
            ..
        } => {
            let fits = !account_sid.is_empty()
                && account_sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
            problems.check(
                fits,
                "account_sid",
                "must be letters and digits, such as AC…",
            );

            problems.check(
                is_sender_id(from_number),
                "from_number",
                "must be a telephone number, such as +15005550006",
            );

            problems.check_endpoint(endpoint.as_ref());
        }
        SmsConfiguration::Http {
            endpoint,
            credentials,
        } => {
            problems.check(
                is_web(endpoint),
                "endpoint",
                "must be an http or https address without credentials",
            );

            if let Some((username, _)) = credentials {
                problems.check_name("username", username);
                problems.check(
                    !username.contains(':'),
                    "username",
                    "must not contain a colon",
                );
            }
        }
    }
}
