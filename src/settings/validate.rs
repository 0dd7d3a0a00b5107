//! Validates objects, alone and together with those they refer to.

mod clients;
mod existence;
mod problems;
mod redirect_uris;
mod tokens;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use self::existence::check_ids;
use self::problems::{Problems, is_http_url};
use super::objects::{Kind, Object, Objects};
use super::problem::Problem;
use super::types::{
    AuthenticationMethod, AuthenticationType, CallbackEndpoint, InitialAccessToken,
    MobileAuthentication, PushConfiguration, SmsConfiguration,
};
use crate::push::CredentialForm;

/// The one in use, and its successor or predecessor.
const SIGNING_SECRETS_MAX: usize = 2;
/// NIST SP 800-63B-4 §3.1.3.2: an out-of-band secret is valid for at most ten minutes.
const TIME_TO_LIVE_SECONDS_MAX: u32 = 600;
/// Leaves room for the rest of a push payload, which has at most 4 KB.
const MESSAGE_CHARACTERS_MAX: u32 = 1_000;
/// Four concatenated text messages.
const SMS_CHARACTERS_MAX: u32 = 600;

/// All problems of an object. Their places are fields of it.
pub(super) fn object(object: &Object, all: &Objects) -> Vec<Problem> {
    let mut problems = Problems::default();

    match object {
        Object::ApiClient(client) => clients::api_client(client, all, &mut problems),
        Object::Application(application) => clients::application(application, all, &mut problems),
        Object::AuthenticationType(value) => authentication_type(value, all, &mut problems),
        Object::CallbackEndpoint(endpoint) => callback_endpoint(endpoint, all, &mut problems),
        Object::MobileAuthentication(general) => mobile_authentication(general, &mut problems),
        Object::PushConfiguration(configuration) => {
            push_configuration(configuration, &mut problems);
        }
        Object::Sms(gateway) => sms(gateway, &mut problems),
        Object::InitialAccessToken(token) => initial_access_token(token, all, &mut problems),
        Object::ResourceServer(server) => tokens::resource_server(server, all, &mut problems),
        Object::Scope(scope) => tokens::scope(scope, &mut problems),
        Object::Tokens(general) => tokens::general(general, &mut problems),
        Object::WebClient(client) => clients::web_client(client, all, &mut problems),
    }

    problems.0
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
    // Otherwise every start would fail, which only users would notice.
    let gateway_exists = !sms || all.keys().any(|(kind, _)| *kind == Kind::Sms);
    problems.check(
        gateway_exists,
        "method",
        "SMS needs a gateway: the section [sms]",
    );

    problems.check(
        sms || value.sender_id.is_none(),
        "sender_id",
        "is only allowed for SMS",
    );

    problems.check(
        sms || value.web_origin.is_none(),
        "web_origin",
        "is only allowed for SMS",
    );

    if let Some(sender) = &value.sender_id {
        let problem = "must be a phone number, a short code, or up to 11 letters, digits and blanks with at least one letter";
        problems.check(is_sender_id(sender), "sender_id", problem);
    }

    if let Some(host) = &value.web_origin {
        problems.check(
            is_host_name(host),
            "web_origin",
            "must be a host name, such as portal.example",
        );
    }

    // Of a text message every part is charged.
    let characters_max = if sms {
        SMS_CHARACTERS_MAX
    } else {
        MESSAGE_CHARACTERS_MAX
    };

    problems.check_texts("default_messages", &value.default_messages, characters_max);
}

fn is_sender_id(sender: &str) -> bool {
    let digits = sender.strip_prefix('+').unwrap_or(sender);
    // E.164 has at most 15 digits, a short code at least 3.
    let number =
        (3..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());

    // The alphanumeric senders of GSM 03.40.
    let letters = (1..=11).contains(&sender.len())
        && sender
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
        && sender.bytes().any(|byte| byte.is_ascii_alphabetic());

    number || letters
}

/// Whether it is a domain name, which is what the last line of a text message names.
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

fn callback_endpoint(endpoint: &CallbackEndpoint, all: &Objects, problems: &mut Problems) {
    let url = Url::parse(&endpoint.url).ok().filter(is_http_url);
    problems.check(
        url.is_some(),
        "url",
        "must be an absolute http or https URL without credentials and fragment",
    );

    // The callback and its credentials cross the internet otherwise in the clear.
    let secure = url.is_none_or(|url| url.scheme() == "https" || endpoint.allow_private);
    problems.check(
        secure,
        "url",
        "must be https, unless `allow_private` says that it is in your own network",
    );

    let kind = (Kind::ApiClient, "API client");
    check_ids("clients", &endpoint.clients, kind, all, problems);

    if let Some((username, _)) = &endpoint.credentials {
        problems.check_username(username);
    }

    problems.check(
        endpoint.signing_secrets.len() <= SIGNING_SECRETS_MAX,
        "signing_secrets",
        "must be at most two: the one in use, and its successor or predecessor",
    );

    for secret in &endpoint.signing_secrets {
        // The form and the bounds of Standard Webhooks.
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

fn initial_access_token(token: &InitialAccessToken, all: &Objects, problems: &mut Problems) {
    problems.check_name("name", &token.name);
    problems.check(
        !token.applications.is_empty(),
        "applications",
        "must name at least one",
    );

    let kind = (Kind::Application, "application");
    check_ids("applications", &token.applications, kind, all, problems);
}

fn mobile_authentication(general: &MobileAuthentication, problems: &mut Problems) {
    problems.check_range(
        "message_characters_max",
        general.message_characters_max,
        1..=MESSAGE_CHARACTERS_MAX,
    );

    // The longest name of a device takes its part of the 4 KiB of a push.
    let length = general.new_device_message.chars().count();
    problems.check(
        (1..=500).contains(&length) && !general.new_device_message.chars().any(char::is_control),
        "new_device_message",
        "must have 1 to 500 characters and no control characters",
    );

    for (field, max) in [
        (
            "sms_per_number_per_hour_max",
            general.sms_per_number_per_hour_max,
        ),
        (
            "sms_per_user_per_hour_max",
            general.sms_per_user_per_hour_max,
        ),
        (
            "sms_per_client_per_minute_max",
            general.sms_per_client_per_minute_max,
        ),
        ("sms_per_minute_max", general.sms_per_minute_max),
        ("consecutive_failures_max", general.consecutive_failures_max),
    ] {
        problems.check(max > 0, field, "must be at least 1");
    }

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

    let in_range = (60..=31_536_000).contains(&general.result_retention_seconds);
    problems.check(
        in_range,
        "result_retention_seconds",
        "must be from 60 (a minute) to 31536000 (a year)",
    );
}

fn push_configuration(configuration: &PushConfiguration, problems: &mut Problems) {
    problems.check_name("name", &configuration.name);
    problems.check_endpoint(configuration.endpoint.as_ref());

    let certificate = configuration.ca_certificate.as_ref();
    // Catches a path without `file:`, which would be found out only with the first push.
    let is_pem = certificate.is_none_or(|pem| pem.contains("-----BEGIN CERTIFICATE-----"));
    problems.check(
        is_pem,
        "ca_certificate",
        "must be a certificate in PEM, or `file:PATH` of one",
    );

    // As the service describes them: another service needs no word here.
    for field in configuration.service.credentials {
        let value = configuration.credentials.get(field.name);
        match field.form {
            CredentialForm::Name => problems.check_name(field.name, value),
            CredentialForm::Secret {
                is_usable,
                requirement,
            } => problems.check(is_usable(value), field.name, requirement),
        }
    }
}

fn sms(gateway: &SmsConfiguration, problems: &mut Problems) {
    match gateway {
        SmsConfiguration::Twilio {
            account_sid,
            from_number,
            endpoint,
            ..
        } => {
            // It becomes a part of the path that is called.
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
                "must be a phone number, such as +15005550006",
            );

            problems.check_endpoint(endpoint.as_ref());
        }
        SmsConfiguration::Http {
            endpoint,
            credentials,
        } => {
            problems.check(
                is_http_url(endpoint),
                "endpoint",
                "must be an http or https URL without credentials and fragment",
            );

            if let Some((username, _)) = credentials {
                problems.check_username(username);
            }
        }
    }
}
