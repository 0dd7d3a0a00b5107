//! The credentials of the stand-ins, which are generated at each start.

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

/// The credentials that the stand-ins accept, in the formats of the providers.
#[derive(Clone, Debug, Serialize)]
pub struct Credentials {
    /// APNs: the id of the developer team.
    pub apns_team_id: String,
    /// APNs: the id of the authentication key.
    pub apns_key_id: String,
    /// APNs: the `.p8` file.
    pub apns_auth_key: String,
    /// APNs: an example of a topic. All topics are accepted.
    pub apns_topic: String,
    /// APNs: the CA of the stand-in's certificate, in PEM.
    pub ca_certificate: String,
    /// FCM: the service account's key file, in JSON.
    pub fcm_service_account: String,
    pub twilio_account_sid: String,
    pub twilio_auth_token: String,
    /// Twilio: the sender's number.
    pub twilio_from_number: String,
    /// Basic credentials for the SMS gateway.
    pub gateway_username: String,
    pub gateway_password: String,
    /// Basic credentials for callbacks.
    pub callback_username: String,
    pub callback_password: String,
    /// The signing secret for callbacks (Standard Webhooks).
    pub callback_signing_secret: String,
}

/// What only the stand-ins know.
pub(super) struct Keys {
    /// The public part of the APNs key: an uncompressed point.
    pub(super) apns: Vec<u8>,
    /// The service account's public key: RSAPublicKey in DER (RFC 8017 A.1.1).
    pub(super) fcm: Vec<u8>,
    pub(super) fcm_project: String,
    pub(super) fcm_email: String,
    pub(super) fcm_key_id: String,
    pub(super) tls_certificate: CertificateDer<'static>,
    pub(super) tls_key: PrivateKeyDer<'static>,
}

/// Generates everything. `token_uri` is the token endpoint for FCM.
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

/// Creates a CA and a certificate for the loopback addresses, with its key.
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
