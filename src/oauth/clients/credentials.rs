//! How a request carries a client's credentials (RFC 6749 §2.3, RFC 7521 §4.2). Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::ClientError;
use crate::jose::assertion;
use crate::percent;
use crate::secret::SecretString;

/// The only `client_assertion_type` (RFC 7523 §2.2).
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest `Authorization` header that is read, in bytes.
const HEADER_BYTES_MAX: usize = 4096;

/// Everything in a request that may be a credential, as it came.
#[derive(Clone, Debug, Default)]
pub struct PresentedCredentials {
    /// The value of the `Authorization` header.
    pub authorization: Option<SecretString>,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
    pub client_assertion_type: Option<String>,
    pub client_assertion: Option<SecretString>,
}

/// A client secret as it came, in each way it can be read.
///
/// RFC 6749 §2.3.1 wants both parts of Basic credentials form-encoded. Libraries do that, people
/// with `curl -u` do not: their plus sign would be read as a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedSecret {
    decoded: Option<SecretString>,
    as_sent: Option<SecretString>,
}

impl PresentedSecret {
    /// One or two texts, of which either may be the secret.
    pub(super) fn readings(&self) -> impl Iterator<Item = &SecretString> {
        self.decoded.iter().chain(&self.as_sent)
    }

    fn form_encoded(sent: &str) -> Self {
        let decoded = percent::decode_form(sent.as_bytes())
            .ok()
            .map(SecretString::new);
        // Nearly all secrets read the same both ways, and each reading costs a hash.
        let differs = decoded
            .as_ref()
            .is_none_or(|decoded| decoded.expose() != sent);

        Self {
            decoded,
            as_sent: differs.then(|| SecretString::new(sent.to_owned())),
        }
    }
}

impl From<SecretString> for PresentedSecret {
    fn from(secret: SecretString) -> Self {
        Self {
            decoded: Some(secret),
            as_sent: None,
        }
    }
}

/// How a client authenticates in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// `client_secret_basic` or `client_secret_post`.
    Secret {
        client_id: String,
        /// The id as it came, where that differs from `client_id`: not everybody codes it.
        client_id_as_sent: Option<String>,
        client_secret: PresentedSecret,
    },
    /// `private_key_jwt` (RFC 7523 §2.2).
    Assertion {
        client_id: String,
        assertion: SecretString,
    },
    /// `none`: a public client, which has no credential (RFC 6749 §2.1).
    Public { client_id: String },
}

impl Credentials {
    /// Finds the credentials in a request.
    ///
    /// # Errors
    /// There are none, more than one kind of them, or a part is missing.
    pub fn from_request(presented: PresentedCredentials) -> Result<Self, ClientError> {
        let PresentedCredentials {
            authorization,
            client_id,
            client_secret,
            client_assertion_type,
            client_assertion,
        } = presented;

        match (
            authorization,
            client_secret,
            client_assertion_type,
            client_assertion,
        ) {
            (Some(header), None, None, None) => {
                Self::from_basic(header.expose(), client_id.as_deref())
            }
            (None, Some(client_secret), None, None) => {
                let client_id = client_id.ok_or(ClientError::Malformed)?;
                Ok(Self::Secret {
                    client_id,
                    client_id_as_sent: None,
                    client_secret: client_secret.into(),
                })
            }
            (None, None, Some(kind), Some(assertion)) if kind == CLIENT_ASSERTION_TYPE => {
                Self::from_assertion(assertion, client_id)
            }
            (None, None, None, None) => client_id
                .map(|client_id| Self::Public { client_id })
                .ok_or(ClientError::Missing),
            // More than one way, or a part of one. Whichever was looked at, the other might be what
            // somebody else has checked (RFC 6749 §2.3).
            _ => Err(ClientError::Malformed),
        }
    }

    /// The client that the request says it is from.
    #[must_use]
    pub fn client_id(&self) -> &str {
        match self {
            Self::Secret { client_id, .. }
            | Self::Assertion { client_id, .. }
            | Self::Public { client_id } => client_id,
        }
    }

    /// The id, in whichever way it can be read that `is_known`.
    pub(super) fn client_id_among(&self, is_known: impl Fn(&str) -> bool) -> &str {
        match self {
            Self::Secret {
                client_id,
                client_id_as_sent: Some(as_sent),
                ..
            } if !is_known(client_id) && is_known(as_sent) => as_sent,
            _ => self.client_id(),
        }
    }

    /// RFC 6749 §2.3.1: both parts are form-encoded before they are joined. Not everybody does it.
    fn from_basic(header: &str, form_client_id: Option<&str>) -> Result<Self, ClientError> {
        let (as_sent, client_secret) = decode_basic(header).ok_or(ClientError::Invalid)?;
        let decoded = percent::decode_form(as_sent.as_bytes()).unwrap_or_else(|_| as_sent.clone());

        let is_either = |id: &str| id == decoded || id == as_sent;
        if !form_client_id.is_none_or(is_either) {
            return Err(ClientError::Malformed);
        }

        Ok(Self::Secret {
            client_id_as_sent: (as_sent != decoded).then_some(as_sent),
            client_id: decoded,
            client_secret,
        })
    }

    /// RFC 7521 §4.2: a `client_id` beside the assertion must be its subject.
    fn from_assertion(
        assertion: SecretString,
        form_client_id: Option<String>,
    ) -> Result<Self, ClientError> {
        // Not verified yet: it says with whose key the assertion has to be verified.
        let subject =
            assertion::claimed_client(assertion.expose()).map_err(|_| ClientError::Invalid)?;
        if form_client_id.is_some_and(|id| id != subject) {
            return Err(ClientError::Invalid);
        }

        Ok(Self::Assertion {
            client_id: subject,
            assertion,
        })
    }
}

fn decode_basic(header: &str) -> Option<(String, PresentedSecret)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") || header.len() > HEADER_BYTES_MAX {
        return None;
    }

    // Wrapped at once, so that it is wiped however this ends.
    let decoded = SecretString::new(String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?);
    // At the first colon: a client id has none, a secret may (RFC 7617 §2).
    let (client_id, client_secret) = decoded.expose().split_once(':')?;

    Some((
        client_id.to_owned(),
        PresentedSecret::form_encoded(client_secret),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(pair: &str) -> PresentedCredentials {
        let header = format!("Basic {}", STANDARD.encode(pair));
        PresentedCredentials {
            authorization: Some(header.into()),
            ..PresentedCredentials::default()
        }
    }

    fn secret(id: &str, secret: &str) -> Credentials {
        Credentials::Secret {
            client_id: id.to_owned(),
            client_id_as_sent: None,
            client_secret: SecretString::new(secret.to_owned()).into(),
        }
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        assert_eq!(
            Credentials::from_request(basic("portal:a:b")),
            Ok(secret("portal", "a:b"))
        );

        for (sent, readings) in [
            ("p%2Bq+r%C3%A9", vec!["p+q ré", "p%2Bq+r%C3%A9"]),
            ("a+b/c==", vec!["a b/c==", "a+b/c=="]),
            ("100%", vec!["100%"]),
            ("%FF", vec!["%FF"]),
            ("plain", vec!["plain"]),
        ] {
            let Ok(Credentials::Secret {
                client_id,
                client_id_as_sent,
                client_secret,
            }) = Credentials::from_request(basic(&format!("a%20b:{sent}")))
            else {
                panic!("{sent}")
            };

            assert_eq!(client_id, "a b");
            assert_eq!(client_id_as_sent.as_deref(), Some("a%20b"));

            assert_eq!(
                client_secret
                    .readings()
                    .map(SecretString::expose)
                    .collect::<Vec<_>>(),
                readings
            );
        }

        let lower_case = PresentedCredentials {
            authorization: Some(format!("basic {}", STANDARD.encode("portal:")).into()),
            client_id: Some("portal".to_owned()),
            ..PresentedCredentials::default()
        };

        assert_eq!(
            Credentials::from_request(lower_case),
            Ok(secret("portal", ""))
        );

        // Not everybody codes the id: what cannot be decoded is as it was sent.
        for id in ["%", "%2", "%zz", "%FF"] {
            let sent = Credentials::from_request(basic(&format!("{id}:secret")));
            assert_eq!(sent, Ok(secret(id, "secret")));
        }

        assert_eq!(
            Credentials::from_request(basic("portal")),
            Err(ClientError::Invalid)
        );

        for beside in ["a+b", "a b"] {
            let both = PresentedCredentials {
                client_id: Some(beside.to_owned()),
                ..basic("a+b:secret")
            };
            assert!(Credentials::from_request(both).is_ok(), "{beside}");
        }

        for header in [
            "",
            "Basic",
            "Basic !!!",
            "Bearer abc",
            "Basic",
            &"Basic ".repeat(1000),
        ] {
            let presented = PresentedCredentials {
                authorization: Some(header.to_owned().into()),
                ..PresentedCredentials::default()
            };
            assert_eq!(
                Credentials::from_request(presented),
                Err(ClientError::Invalid),
                "{header}"
            );
        }
    }

    #[test]
    fn credentials_come_in_exactly_one_way() {
        let text = |text: &str| Some(text.to_owned());
        let form = PresentedCredentials {
            client_id: text("portal"),
            client_secret: Some("s".to_owned().into()),
            ..PresentedCredentials::default()
        };

        assert_eq!(
            Credentials::from_request(form.clone()),
            Ok(secret("portal", "s"))
        );

        let named = PresentedCredentials {
            client_id: text("portal"),
            ..PresentedCredentials::default()
        };
        assert_eq!(
            Credentials::from_request(named),
            Ok(Credentials::Public {
                client_id: "portal".to_owned()
            })
        );

        let refused = [
            (PresentedCredentials::default(), ClientError::Missing),
            (
                PresentedCredentials {
                    client_id: None,
                    ..form.clone()
                },
                ClientError::Malformed,
            ),
            (
                PresentedCredentials {
                    client_secret: form.client_secret.clone(),
                    ..basic("portal:s")
                },
                ClientError::Malformed,
            ),
            (
                PresentedCredentials {
                    client_id: text("other"),
                    ..basic("portal:s")
                },
                ClientError::Malformed,
            ),
            (
                PresentedCredentials {
                    client_assertion_type: text(CLIENT_ASSERTION_TYPE),
                    ..form.clone()
                },
                ClientError::Malformed,
            ),
            (
                PresentedCredentials {
                    client_assertion_type: text(
                        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
                    ),
                    client_assertion: Some("x".to_owned().into()),
                    ..PresentedCredentials::default()
                },
                ClientError::Malformed,
            ),
            (
                PresentedCredentials {
                    client_assertion_type: text(CLIENT_ASSERTION_TYPE),
                    client_assertion: Some("x".to_owned().into()),
                    ..PresentedCredentials::default()
                },
                ClientError::Invalid,
            ),
        ];

        for (presented, expected) in refused {
            assert_eq!(
                Credentials::from_request(presented.clone()),
                Err(expected),
                "{presented:?}"
            );
        }
    }
}
