//! The headers of Standard Webhooks: the id of the message, the time of sending, and the signature.

use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};

use super::types::CallbackId;
use crate::clock::Timestamp;
use crate::secret::SecretString;

/// The secret does not have the format of Standard Webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InvalidSecret;

/// The headers of one attempt. All attempts have the same id, so that the receiver can detect
/// duplicates. Each attempt has its own time, so that the receiver can refuse old messages.
pub(super) fn headers(
    id: CallbackId,
    now: Timestamp,
    body: &[u8],
    secrets: &[SecretString],
) -> Result<Vec<(&'static str, String)>, InvalidSecret> {
    let id = id.to_string();
    let mut headers = Vec::with_capacity(3);

    let sign = |secret: &SecretString| {
        let webhook = Webhook::new(secret.expose()).map_err(|_| InvalidSecret)?;
        let signature = webhook.sign(&id, now.as_secs(), body);
        signature.map_err(|_| InvalidSecret)
    };
    let signatures = secrets.iter().map(sign).collect::<Result<Vec<_>, _>>()?;

    // The receiver needs to know one of the secrets only.
    if !signatures.is_empty() {
        headers.push((HEADER_WEBHOOK_SIGNATURE, signatures.join(" ")));
    }

    headers.push((HEADER_WEBHOOK_ID, id));
    headers.push((HEADER_WEBHOOK_TIMESTAMP, now.as_secs().to_string()));

    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_those_of_the_specification() {
        let id = CallbackId::from_bytes([7; 16]);
        let secret = SecretString::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let now = Timestamp::from_millis(1_614_265_330_999);
        let headers = headers(id, now, b"{}", std::slice::from_ref(&secret)).unwrap();

        let expected = Webhook::new(secret.expose())
            .unwrap()
            .sign(&id.to_string(), 1_614_265_330, b"{}")
            .unwrap();

        assert!(headers.contains(&("webhook-signature", expected)));
        assert!(headers.contains(&("webhook-timestamp", "1614265330".to_owned())));

        assert!(headers.contains(&(
            "webhook-id",
            "07070707-0707-0707-0707-070707070707".to_owned()
        )));
    }

    #[test]
    fn without_a_secret_nothing_is_signed() {
        let headers = headers(
            CallbackId::from_bytes([7; 16]),
            Timestamp::from_millis(0),
            b"{}",
            &[],
        )
        .unwrap();

        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn with_two_secrets_whoever_knows_one_can_verify() {
        let secrets = [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ];
        let secrets = secrets.map(|secret| SecretString::new(secret.to_owned()));
        let (id, now) = (
            CallbackId::from_bytes([7; 16]),
            Timestamp::from_millis(1_614_265_330_000),
        );

        let signed = |secrets: &[SecretString]| {
            let headers = headers(id, now, b"{}", secrets).unwrap();
            let signature = headers
                .into_iter()
                .find(|(name, _)| *name == HEADER_WEBHOOK_SIGNATURE);
            signature.unwrap().1
        };

        let [one, other] = [signed(&secrets[..1]), signed(&secrets[1..])];
        assert_eq!(signed(&secrets), format!("{one} {other}"));
    }
}
