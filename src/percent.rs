//! Percent-decoding (RFC 3986 §2.1) that repairs nothing.
//!
//! Common decoders keep a broken escape as it is and replace bytes that are not UTF-8. A client id,
//! a secret or a text to be signed must not change on its way, so both are errors here.

/// Why a text cannot be decoded. The messages follow the name of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// A `%` without two hexadecimal digits behind it.
    #[error("has a broken percent escape")]
    BrokenEscape,
    #[error("is not UTF-8")]
    NotUtf8,
}

/// Decodes a part of a URL.
pub(crate) fn decode(encoded: &[u8]) -> Result<String, DecodeError> {
    decode_with(encoded, b'+')
}

/// Decodes a name or value of `application/x-www-form-urlencoded`, where `+` is a space.
pub(crate) fn decode_form(encoded: &[u8]) -> Result<String, DecodeError> {
    decode_with(encoded, b' ')
}

fn decode_with(encoded: &[u8], plus: u8) -> Result<String, DecodeError> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter().copied();

    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => plus,
            b'%' => escaped(bytes.next(), bytes.next()).ok_or(DecodeError::BrokenEscape)?,
            other => other,
        });
    }

    String::from_utf8(decoded).map_err(|_| DecodeError::NotUtf8)
}

/// The byte that two hexadecimal digits stand for.
fn escaped(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let byte = value(high?)? * 16 + value(low?)?;

    u8::try_from(byte).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_form_reads_plus_as_a_space() {
        assert_eq!(decode(b"a+b%2Bc%20d"), Ok("a+b+c d".to_owned()));
        assert_eq!(decode_form(b"a+b%2Bc%20d"), Ok("a b+c d".to_owned()));
    }

    #[test]
    fn hexadecimal_digits_may_have_either_case() {
        assert_eq!(decode(b"%E2%82%ac"), Ok("\u{20ac}".to_owned()));
    }

    #[test]
    fn nothing_is_repaired() {
        for broken in ["%", "%2", "%zz", "a%", "%2%20"] {
            assert_eq!(
                decode(broken.as_bytes()),
                Err(DecodeError::BrokenEscape),
                "{broken}"
            );
        }

        assert_eq!(decode(b"%ff"), Err(DecodeError::NotUtf8));
        assert_eq!(decode_form(b"\xff"), Err(DecodeError::NotUtf8));
    }
}
