//! Signs JWTs for push services, whose keys are PEM files.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

use super::error::JoseError;

/// Signs `claims` with an EC P-256 key in PKCS#8 PEM, such as Apple's `.p8` files. `kid` is written
/// to the header.
pub fn sign_es256_pem<C: Serialize>(pem: &str, kid: &str, claims: &C) -> Result<String, JoseError> {
    let key = EncodingKey::from_ec_pem(pem.as_bytes()).map_err(|_| JoseError::InvalidKey)?;
    sign(Algorithm::ES256, &key, kid, claims)
}

/// Signs `claims` with an RSA key in PEM, such as that of a Google service account. `kid` is written
/// to the header.
pub fn sign_rs256_pem<C: Serialize>(pem: &str, kid: &str, claims: &C) -> Result<String, JoseError> {
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| JoseError::InvalidKey)?;
    sign(Algorithm::RS256, &key, kid, claims)
}

fn sign<C: Serialize>(
    algorithm: Algorithm,
    key: &EncodingKey,
    kid: &str,
    claims: &C,
) -> Result<String, JoseError> {
    let header = Header {
        kid: Some(kid.to_owned()),
        ..Header::new(algorithm)
    };
    encode(&header, claims, key).map_err(|_| JoseError::Cryptography)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    };
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn pem(der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| str::from_utf8(line).unwrap())
            .collect();

        format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        )
    }

    fn check(jwt: &str, alg: &str, public: &UnparsedPublicKey<impl AsRef<[u8]>>) {
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        public
            .verify(signed.as_bytes(), &decode(signature))
            .unwrap();

        let (header, payload) = signed.split_once('.').unwrap();
        let header: serde_json::Value = serde_json::from_slice(&decode(header)).unwrap();
        assert_eq!(
            header,
            serde_json::json!({ "typ": "JWT", "alg": alg, "kid": "KEY1" })
        );

        assert_eq!(decode(payload), br#"{"iss":"TEAM"}"#);
    }

    #[test]
    fn pem_keys_sign() {
        let claims = serde_json::json!({ "iss": "TEAM" });
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let ec_pem = pem(ec.to_pkcs8v1().unwrap().as_ref());
        let jwt = sign_es256_pem(&ec_pem, "KEY1", &claims).unwrap();
        check(
            &jwt,
            "ES256",
            &UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, ec.public_key()),
        );

        let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let rsa_pem = pem(AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).unwrap().as_ref());
        let jwt = sign_rs256_pem(&rsa_pem, "KEY1", &claims).unwrap();
        check(
            &jwt,
            "RS256",
            &UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa.public_key()),
        );

        assert_eq!(
            sign_es256_pem(&rsa_pem, "KEY1", &claims),
            Err(JoseError::InvalidKey)
        );

        assert_eq!(
            sign_rs256_pem("no key", "KEY1", &claims),
            Err(JoseError::InvalidKey)
        );
    }
}
