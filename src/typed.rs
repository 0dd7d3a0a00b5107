//! Codes as people type them: with the digits of their script, and with whatever they put between
//! groups. Pure.

/// The zero of each script: the nine digits after it follow it (Unicode, general category Nd).
const ZEROS: [char; 66] = [
    '0',
    '\u{660}',
    '\u{6F0}',
    '\u{7C0}',
    '\u{966}',
    '\u{9E6}',
    '\u{A66}',
    '\u{AE6}',
    '\u{B66}',
    '\u{BE6}',
    '\u{C66}',
    '\u{CE6}',
    '\u{D66}',
    '\u{DE6}',
    '\u{E50}',
    '\u{ED0}',
    '\u{F20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17E0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19D0}',
    '\u{1A80}',
    '\u{1A90}',
    '\u{1B50}',
    '\u{1BB0}',
    '\u{1C40}',
    '\u{1C50}',
    '\u{A620}',
    '\u{A8D0}',
    '\u{A900}',
    '\u{A9D0}',
    '\u{A9F0}',
    '\u{AA50}',
    '\u{ABF0}',
    '\u{FF10}',
    '\u{104A0}',
    '\u{10D30}',
    '\u{11066}',
    '\u{110F0}',
    '\u{11136}',
    '\u{111D0}',
    '\u{112F0}',
    '\u{11450}',
    '\u{114D0}',
    '\u{11650}',
    '\u{116C0}',
    '\u{11730}',
    '\u{118E0}',
    '\u{11950}',
    '\u{11C50}',
    '\u{11D50}',
    '\u{11DA0}',
    '\u{16A60}',
    '\u{16AC0}',
    '\u{16B50}',
    '\u{1D7CE}',
    '\u{1D7D8}',
    '\u{1D7E2}',
    '\u{1D7EC}',
    '\u{1D7F6}',
    '\u{1E140}',
    '\u{1E2F0}',
    '\u{1E950}',
    '\u{1FBF0}',
];

/// How far the full-width forms of ASCII are from ASCII.
const FULL_WIDTH: u32 = 0xFEE0;

/// The characters of a code without what stands between them, in ASCII where they have a form in it:
/// digits of all scripts, and full-width letters.
pub(crate) fn plain(entry: &str) -> impl Iterator<Item = char> {
    entry
        .chars()
        .filter(|character| !is_separator(*character))
        .map(to_ascii)
}

fn to_ascii(character: char) -> char {
    let value = u32::from(character);
    let digit = ZEROS.iter().find_map(|zero| {
        let digit = value.checked_sub(u32::from(*zero))?;
        char::from_digit(digit, 10)
    });

    digit.unwrap_or_else(|| match character {
        'Ａ'..='Ｚ' | 'ａ'..='ｚ' => char::from_u32(value - FULL_WIDTH).unwrap_or(character),
        other => other,
    })
}

/// Blanks, dashes of all kinds, and what cannot be seen, which comes along when text is copied.
fn is_separator(character: char) -> bool {
    match character {
        '-' | '\u{58A}' | '\u{5BE}' | '\u{1806}' | '\u{2010}'..='\u{2015}' | '\u{2212}' => true,
        '\u{2E3A}' | '\u{2E3B}' | '\u{FE31}' | '\u{FE32}' | '\u{FE58}' | '\u{FE63}' => true,
        // The long vowel mark is what some keyboards give for a hyphen.
        '\u{FF0D}' | '\u{30FC}' | '\u{30A0}' | '\u{301C}' => true,
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' => true,
        '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{61C}' | '\u{FEFF}' => true,
        other => other.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for entry in [
            "123456",
            "123 456",
            "123-456",
            "123\u{2013}456",
            " 1 2 3 4 5 6\u{a0}",
            "\u{202a}123456\u{202c}",
            "１２３４５６",
            "１２３－４５６",
            "١٢٣٤٥٦",
            "۱۲۳۴۵۶",
            "१२३४५६",
            "๑๒๓๔๕๖",
            "𝟏𝟐𝟑𝟒𝟓𝟔",
        ] {
            assert_eq!(plain(entry).collect::<String>(), "123456", "{entry}");
        }

        assert_eq!(plain("ｂｃ—ＤＦ").collect::<String>(), "bcDF");
        assert_eq!(plain("abc,½²").collect::<String>(), "abc,½²");
    }

    #[test]
    fn each_script_has_ten_digits() {
        for zero in ZEROS {
            for digit in 0..10 {
                let character = char::from_u32(u32::from(zero) + digit).unwrap();
                assert_eq!(to_ascii(character).to_digit(10), Some(digit), "{character}");
            }
        }
    }
}
