//! Settings that make a server use a running sandbox.

use countersign::push::PushService;
use countersign::sandbox::Sandbox;
use countersign::secret::SecretString;
use countersign::settings::{Platform, PushConfiguration, SmsConfiguration};
use url::Url;

pub(crate) fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

pub(crate) fn apns(sandbox: &Sandbox) -> PushConfiguration {
    let credentials = sandbox.credentials();
    PushConfiguration {
        name: "apns".to_owned(),
        platform: Platform::Ios,
        service: PushService::from_name("apns").unwrap(),
        credentials: [
            ("team_id", secret(&credentials.apns_team_id)),
            ("key_id", secret(&credentials.apns_key_id)),
            ("auth_key", secret(&credentials.apns_auth_key)),
        ]
        .into_iter()
        .collect(),
        endpoint: Some(url(&sandbox.endpoints().apns)),
        ca_certificate: Some(credentials.ca_certificate.clone()),
    }
}

pub(crate) fn fcm(sandbox: &Sandbox) -> PushConfiguration {
    let service_account = secret(&sandbox.credentials().fcm_service_account);
    PushConfiguration {
        name: "fcm".to_owned(),
        platform: Platform::Android,
        service: PushService::from_name("fcm").unwrap(),
        credentials: [("service_account", service_account)].into_iter().collect(),
        endpoint: Some(url(&sandbox.endpoints().fcm)),
        ca_certificate: None,
    }
}

pub(crate) fn twilio(sandbox: &Sandbox) -> SmsConfiguration {
    let credentials = sandbox.credentials();
    SmsConfiguration::Twilio {
        account_sid: credentials.twilio_account_sid.clone(),
        auth_token: secret(&credentials.twilio_auth_token),
        from_number: credentials.twilio_from_number.clone(),
        endpoint: Some(url(&sandbox.endpoints().twilio)),
    }
}

pub(crate) fn sms_gateway(sandbox: &Sandbox) -> SmsConfiguration {
    let credentials = sandbox.credentials();
    SmsConfiguration::Http {
        endpoint: url(&format!("{}/sms", sandbox.endpoints().sms_gateway)),
        credentials: Some((
            credentials.gateway_username.clone(),
            secret(&credentials.gateway_password),
        )),
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}
