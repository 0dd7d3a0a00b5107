//! A text message and whom it goes to.

use std::fmt;
use std::str::FromStr;

use futures_util::future::BoxFuture;

use crate::egress::ProviderFailure;
use crate::secret::SecretString;
use crate::settings::SmsConfiguration;

/// A telephone number in E.164, such as `+15055551234`. Prints masked.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber(Box<str>);

/// Not a telephone number in E.164.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a telephone number in international notation (E.164), such as +15055551234")]
pub struct InvalidPhoneNumber;

impl PhoneNumber {
    /// The number itself, for the gateway.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = InvalidPhoneNumber;

    fn from_str(text: &str) -> Result<Self, InvalidPhoneNumber> {
        // E.164 §6: at most fifteen digits, and no country code begins with 0. Whether a number is
        // in use only its network knows. Numbering plans that are compiled in become outdated,
        // refuse new ranges and test numbers, and cost six microseconds for each message.
        let digits = text.strip_prefix('+').ok_or(InvalidPhoneNumber)?;
        let plausible = (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if plausible {
            Ok(Self(text.into()))
        } else {
            Err(InvalidPhoneNumber)
        }
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber")
    }
}

/// A text message ready to be sent.
#[derive(Clone, Debug)]
pub struct SmsMessage {
    pub to: PhoneNumber,
    /// The whole text, including the code.
    pub text: SecretString,
    /// The six digits alone, for gateways that write a text of their own.
    pub code: SecretString,
    /// Replaces the gateway's default sender.
    pub sender_id: Option<String>,
}

/// Hands a text message to the gateway once. The caller retries.
pub trait SmsSender: Send + Sync {
    /// Completes when the gateway has taken or refused the message.
    fn send<'a>(
        &'a self,
        gateway: &'a SmsConfiguration,
        message: &'a SmsMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_international_notation() {
        for number in [
            "+31612345678",
            "+15005550006",
            "+2901234",
            "+123456789012345",
        ] {
            assert_eq!(number.parse::<PhoneNumber>().unwrap().expose(), number);
        }

        for text in [
            "",
            "+",
            "0612345678",
            "31612345678",
            "0031612345678",
            "+0612345678",
            "+31 612345678",
            "+31-612345678",
        ] {
            assert_eq!(
                text.parse::<PhoneNumber>(),
                Err(InvalidPhoneNumber),
                "{text}"
            );
        }

        for text in [
            "+123456",
            "+1234567890123456",
            "+3161234567a",
            "+٣١٦١٢٣٤٥٦٧٨",
            "++31612345678",
            "+31612345678\n",
        ] {
            assert_eq!(
                text.parse::<PhoneNumber>(),
                Err(InvalidPhoneNumber),
                "{text}"
            );
        }
    }

    #[test]
    fn numbers_and_codes_do_not_print() {
        let message = SmsMessage {
            to: "+31612345678".parse().unwrap(),
            text: SecretString::new("Code 012345".to_owned()),
            code: SecretString::new("012345".to_owned()),
            sender_id: None,
        };

        let printed = format!("{message:?}");
        assert!(
            !printed.contains("316") && !printed.contains("0123"),
            "{printed}"
        );
    }
}
