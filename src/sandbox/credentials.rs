//! The credentials the stand-ins accept, made anew at each start.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use serde_json::json;

use crate::random::{self, SystemRandom};

/// What a server needs to be let in by the stand-ins. Worth nothing anywhere else.
#[derive(Clone, Debug, Serialize)]
pub struct Credentials {
    /// APNs: the developer team's id.
    pub apns_team_id: String,
    /// APNs: the id of the auth key.
    pub apns_key_id: String,
    /// APNs: the `.p8` file.
    pub apns_auth_key: String,
    /// APNs: the topic of an application, for examples; every topic is taken.
    pub apns_topic: String,
    /// The CA the APNs stand-in's certificate is from, PEM.
    pub ca_certificate: String,
    /// FCM: the service account's key file, JSON.
    pub fcm_service_account: String,
    /// Twilio: the account.
    pub twilio_account_sid: String,
    /// Twilio: its token.
    pub twilio_auth_token: String,
    /// Twilio: a number it sends from.
    pub twilio_from_number: String,
    /// SMS gateway: Basic credentials.
    pub gateway_username: String,
    /// SMS gateway: Basic credentials.
    pub gateway_password: String,
    /// Website: the Basic credentials a callback should carry.
    pub callback_username: String,
    /// Website: the Basic credentials a callback should carry.
    pub callback_password: String,
    /// Website: what a callback should be signed with (Standard Webhooks).
    pub callback_signing_secret: String,
}

/// What the stand-ins keep to themselves.
pub(super) struct Keys {
    /// The point of the APNs auth key, uncompressed.
    pub(super) apns: Vec<u8>,
    /// The service account's public key: RSAPublicKey in DER (RFC 8017 A.1.1).
    pub(super) fcm: Vec<u8>,
    pub(super) fcm_project: String,
    pub(super) fcm_email: String,
    pub(super) fcm_key_id: String,
    pub(super) tls_certificate: CertificateDer<'static>,
    pub(super) tls_key: PrivateKeyDer<'static>,
}

/// Makes all of it; `token_uri` is where the FCM stand-in gives out access tokens.
pub(super) fn generate(token_uri: &str) -> io::Result<(Credentials, Keys)> {
    let (ca_certificate, tls_certificate, tls_key) = certificates().map_err(io::Error::other)?;
    let apns = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
    let fcm =
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(io::Error::other)?;
    let keys = Keys {
        apns: apns.public_key_raw().to_vec(),
        fcm: fcm.public_key_raw().to_vec(),
        fcm_project: "countersign-sandbox".to_owned(),
        fcm_email: "push@countersign-sandbox.iam.gserviceaccount.com".to_owned(),
        fcm_key_id: hex::<20>(),
        tls_certificate,
        tls_key,
    };

    let credentials = Credentials {
        apns_team_id: "SANDBOXTEA".to_owned(),
        apns_key_id: hex::<5>().to_uppercase(),
        apns_auth_key: apns.serialize_pem(),
        apns_topic: "com.example.bank".to_owned(),
        ca_certificate,
        fcm_service_account: service_account(&keys, &fcm.serialize_pem(), token_uri),
        twilio_account_sid: format!("AC{}", hex::<16>()),
        twilio_auth_token: hex::<16>(),
        twilio_from_number: "+15005550006".to_owned(),
        gateway_username: "countersign".to_owned(),
        gateway_password: hex::<16>(),
        callback_username: "countersign".to_owned(),
        callback_password: hex::<16>(),
        callback_signing_secret: format!(
            "whsec_{}",
            STANDARD.encode(random::bytes::<32>(&SystemRandom))
        ),
    };

    Ok((credentials, keys))
}

/// A CA of one's own, and a certificate of it for the loopback addresses.
fn certificates() -> Result<(String, CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error>
{
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name
        .push(DnType::CommonName, "Countersign sandbox CA");
    let ca_pem = ca.self_signed(&ca_key)?.pem();
    let key = KeyPair::generate()?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let certificate = CertificateParams::new(names)?.signed_by(&key, &Issuer::new(ca, ca_key))?;
    Ok((ca_pem, certificate.der().clone(), key.into()))
}

fn service_account(keys: &Keys, private_key: &str, token_uri: &str) -> String {
    let account = json!({
        "type": "service_account",
        "project_id": keys.fcm_project,
        "private_key_id": keys.fcm_key_id,
        "private_key": private_key,
        "client_email": keys.fcm_email,
        "client_id": "100000000000000000001",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
    });
    format!("{account:#}\n")
}

/// `N` random bytes in hexadecimal.
pub(super) fn hex<const N: usize>() -> String {
    random::bytes::<N>(&SystemRandom)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
