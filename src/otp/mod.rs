//! The six digits of a text message and the long one-time password of a QR code. Pure.
//!
//! Both are derived from the transaction's id under a key that is kept outside the database. So they
//! are not stored, the same code can be sent again after a restart, and a stolen database holds
//! nothing to guess against.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids::TransactionId;
use crate::secret::{Keyring, Purpose, SecretString, constant_time_eq};
use crate::typed;

const SMS_CODE_DIGITS: usize = 6;
const PASSWORD_BYTES: usize = 16;

/// Six decimal digits. Does not print.
pub struct SmsCode([u8; SMS_CODE_DIGITS]);

impl SmsCode {
    /// The code of a transaction, always the same one.
    ///
    /// Reduces 64 bits to a million values: no value is likelier than another by more than one in
    /// 10¹³.
    #[must_use]
    pub fn of(keyring: &Keyring, transaction: TransactionId) -> Self {
        let hash = keyring.hash(Purpose::SmsCode, transaction.as_bytes());
        let mut number = hash
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
            % 1_000_000;

        let mut digits = [b'0'; SMS_CODE_DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
        }

        Self(digits)
    }

    /// The six digits, for the message.
    #[must_use]
    pub fn expose(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// What a user typed, compared with this code in constant time.
    #[must_use]
    pub fn compare(&self, entry: &str) -> Typed {
        let plain: String = typed::plain(entry).take(SMS_CODE_DIGITS + 1).collect();
        let is_code = plain.len() == SMS_CODE_DIGITS && plain.bytes().all(|c| c.is_ascii_digit());

        if !is_code {
            Typed::NoCode
        } else if constant_time_eq(&self.0, plain.as_bytes()) {
            Typed::Right
        } else {
            Typed::Wrong
        }
    }
}

/// What somebody typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    Right,
    /// A code, and not this one.
    Wrong,
    /// Not six digits, of whatever script.
    NoCode,
}

impl fmt::Debug for SmsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmsCode")
    }
}

/// The one-time password of a transaction: URL-safe base64 of its id and 128 derived bits. Fits into
/// a QR code.
#[must_use]
pub fn one_time_password(keyring: &Keyring, transaction: TransactionId) -> SecretString {
    let mut bytes = transaction.as_bytes().to_vec();
    bytes.extend(password(keyring, transaction));
    SecretString::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// The transaction of a one-time password. `None` where the password is not genuine.
#[must_use]
pub fn transaction_of(keyring: &Keyring, one_time_password: &str) -> Option<TransactionId> {
    let bytes = URL_SAFE_NO_PAD.decode(one_time_password).ok()?;
    let (id, presented) = bytes.split_first_chunk::<16>()?;
    let transaction = TransactionId::from_bytes(*id);
    constant_time_eq(&password(keyring, transaction), presented).then_some(transaction)
}

fn password(keyring: &Keyring, transaction: TransactionId) -> Vec<u8> {
    let hash = keyring.hash(Purpose::Otp, transaction.as_bytes());
    hash.into_iter().take(PASSWORD_BYTES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::random::SystemRandom;

    fn keyring() -> Keyring {
        Keyring::new(&[1; 32])
    }

    #[test]
    fn codes_are_six_digits_spread_evenly() {
        let mut first_digits = [0_u32; 10];
        for _ in 0..10_000 {
            let id = TransactionId::new(Timestamp::from_millis(1), &SystemRandom);
            let code = SmsCode::of(&keyring(), id);
            assert_eq!(code.expose().len(), 6);
            assert!(code.expose().bytes().all(|byte| byte.is_ascii_digit()));
            first_digits[usize::from(code.expose().as_bytes()[0] - b'0')] += 1;
        }

        assert!(
            first_digits.iter().all(|count| (800..1200).contains(count)),
            "{first_digits:?}"
        );
    }

    #[test]
    fn a_code_matches_itself_only() {
        let code = SmsCode([b'0', b'1', b'2', b'3', b'4', b'5']);
        for (entry, expected) in [
            ("012345", Typed::Right),
            ("012-345", Typed::Right),
            ("０１２ ３４５", Typed::Right),
            ("٠١٢٣٤٥", Typed::Right),
            ("012346", Typed::Wrong),
            ("543210", Typed::Wrong),
            ("12345", Typed::NoCode),
            ("0123456", Typed::NoCode),
            ("", Typed::NoCode),
            ("abc", Typed::NoCode),
            ("012345a", Typed::NoCode),
            ("01234½", Typed::NoCode),
        ] {
            assert_eq!(code.compare(entry), expected, "{entry}");
        }
    }

    #[test]
    fn a_password_names_its_transaction_and_cannot_be_altered() {
        let id = TransactionId::new(Timestamp::from_millis(1), &SystemRandom);
        let password = one_time_password(&keyring(), id);
        assert_eq!(transaction_of(&keyring(), password.expose()), Some(id));

        assert_eq!(
            transaction_of(&Keyring::new(&[2; 32]), password.expose()),
            None
        );

        for index in 0..password.expose().len() {
            let mut altered = password.expose().as_bytes().to_vec();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };

            assert_eq!(
                transaction_of(&keyring(), str::from_utf8(&altered).unwrap()),
                None,
                "{index}"
            );
        }

        for broken in [
            "",
            "AAAA",
            "not base64!",
            &format!("{}A", password.expose()),
        ] {
            assert_eq!(transaction_of(&keyring(), broken), None);
        }
    }
}
