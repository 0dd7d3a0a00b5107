//! Percent-decoding (RFC 3986 §2.1) that repairs nothing.

/// The text; or what is wrong, to be said after the parameter's name.
pub(super) fn decode(encoded: &[u8]) -> Result<String, &'static str> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = bytes.next().and_then(|digit| hexadecimal(*digit));
                let low = bytes.next().and_then(|digit| hexadecimal(*digit));
                high.zip(low)
                    .map(|(high, low)| high * 16 + low)
                    .ok_or("has a broken percent escape")?
            }
            other => *other,
        });
    }
    String::from_utf8(decoded).map_err(|_| "is not UTF-8")
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
