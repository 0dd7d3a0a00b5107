//! JSON objects whose members are unique at every depth.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::JoseError;

const DUPLICATE: &str = "duplicate member";

/// Checks that `bytes` are a JSON object and that no object in it has a member twice. RFC 8725 §2.6
/// has the reason.
pub(crate) fn check_object(bytes: &[u8]) -> Result<(), JoseError> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(JoseError::Malformed);
    }

    let checked: Result<Unique, _> = serde_json::from_slice(bytes);
    checked.map(|_| ()).map_err(|error| {
        // serde_json keeps no other trace of where an error comes from.
        if error.to_string().starts_with(DUPLICATE) {
            JoseError::DuplicateMember
        } else {
            JoseError::Malformed
        }
    })
}

/// Any JSON value without duplicate members. Nothing of the value is kept.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom(DUPLICATE));
            }
            members.next_value::<Self>()?;
        }

        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_unique_at_every_depth() {
        assert_eq!(
            check_object(br#"{"a":[{"b":1.5,"c":null},{"b":"x"}],"d":{"a":true}}"#),
            Ok(())
        );

        for duplicate in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"\u0062":2}]}"#,
        ] {
            assert_eq!(
                check_object(duplicate.as_bytes()),
                Err(JoseError::DuplicateMember),
                "{duplicate}"
            );
        }

        for malformed in [
            "",
            "[]",
            "1",
            "{",
            "{}x",
            "{}{}",
            "{\"a\":1,}",
            "null",
            "\u{feff}{}",
        ] {
            assert_eq!(
                check_object(malformed.as_bytes()),
                Err(JoseError::Malformed),
                "{malformed}"
            );
        }

        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500));
        assert_eq!(check_object(deep.as_bytes()), Err(JoseError::Malformed));
    }
}
