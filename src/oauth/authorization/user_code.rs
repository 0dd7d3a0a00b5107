//! User codes (RFC 8628 §6.1): short, without vowels and letters that look alike. Pure.

use crate::random::{self, Random};
use crate::secret::SecretString;
use crate::typed;

const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;
/// The longest entry that is read, in bytes.
const ENTRY_BYTES_MAX: usize = 64;

/// A new code: eight letters, as evenly distributed as the random source.
pub(super) fn fresh(random: &dyn Random) -> SecretString {
    let mut letters = String::with_capacity(LENGTH);

    while letters.len() < LENGTH {
        let [byte] = random::bytes::<1>(random);

        // 240 is a multiple of 20: the bytes above would favour some letters.
        if byte < 240
            && let Some(letter) = ALPHABET.get(usize::from(byte) % ALPHABET.len())
        {
            letters.push(char::from(*letter));
        }
    }

    SecretString::new(letters)
}

/// As people read it: two groups of four.
pub(super) fn shown(code: &str) -> String {
    let (left, right) = code.split_at_checked(LENGTH / 2).unwrap_or((code, ""));
    format!("{left}-{right}")
}

/// The code that somebody typed, however they group its letters; `None` for what cannot be one.
pub(super) fn typed(entry: &str) -> Option<String> {
    // Room for blanks and hyphens between all letters; what is longer is not copied.
    if entry.len() > ENTRY_BYTES_MAX {
        return None;
    }

    let letters: String = typed::plain(entry)
        .map(|character| character.to_ascii_uppercase())
        .collect();

    let is_code =
        letters.len() == LENGTH && letters.bytes().all(|letter| ALPHABET.contains(&letter));
    is_code.then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_code_is_typed_as_it_is_shown_or_otherwise() {
        for _ in 0..100 {
            let code = fresh(&SystemRandom);
            let code = code.expose();
            assert_eq!(typed(&shown(code)).as_deref(), Some(code));
        }

        for entry in [
            "BCDF-GHJK",
            "bcdf-ghjk",
            "bcdfghjk",
            " b c d f - g h j k ",
            "BCDFGHJK\n",
        ] {
            assert_eq!(typed(entry).as_deref(), Some("BCDFGHJK"), "{entry}");
        }

        let long = format!("{}BCDFGHJK", " ".repeat(64));

        for entry in [
            "",
            "BCDF",
            "BCDF-GHJA",
            "BCDF-GHJKL",
            "BCDF_GHJK",
            "BCDFGHJ\u{212a}",
            "ßßßß",
            &long,
        ] {
            assert_eq!(typed(entry), None, "{entry}");
        }
    }

    #[test]
    fn every_letter_comes_up() {
        let all: String = (0..200)
            .map(|_| fresh(&SystemRandom).expose().to_owned())
            .collect();
        assert!(
            ALPHABET
                .iter()
                .all(|letter| all.contains(char::from(*letter)))
        );
    }
}
