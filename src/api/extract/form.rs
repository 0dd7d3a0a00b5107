//! `application/x-www-form-urlencoded`, in bodies and query strings, read strictly.
//!
//! The usual decoders repair what is broken: half an escape stays as it is, bytes that are no UTF-8
//! become replacement characters. What a website signs, shows or looks up must not be repaired by
//! guessing, so it is refused instead.

use serde_json::Value;

use super::fields::{Fields, printable};
use crate::api::error::Fault;
use crate::percent;

/// The parameters of a form or a query string.
pub(super) fn parse(encoded: &[u8]) -> Result<Fields, Fault> {
    let mut fields = Fields::default();
    for pair in encoded
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
    {
        let equals = pair
            .iter()
            .position(|byte| *byte == b'=')
            .unwrap_or(pair.len());
        let (name, value) = pair.split_at(equals);
        let name = percent::decode_form(name).map_err(|problem| {
            Fault::MalformedBody(format!("A parameter's name {problem}.").into())
        })?;
        let value = value.strip_prefix(b"=").unwrap_or_default();
        let value = percent::decode_form(value).map_err(|problem| Fault::Parameter {
            name: printable(&name),
            problem: problem.to_string().into(),
        })?;
        fields.insert(name, Value::String(value))?;
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_is_well_formed() {
        let mut fields = parse(b"a=1+2&b=%E2%82%ac&c=&d&&%65=%2b").unwrap();
        assert_eq!(fields.text("a", 9), Ok(Some("1 2".to_owned())));
        assert_eq!(fields.text("b", 9), Ok(Some("€".to_owned())));
        assert_eq!(fields.text("c", 9), Ok(None));
        assert_eq!(fields.text("d", 9), Ok(None));
        assert_eq!(fields.text("e", 9), Ok(Some("+".to_owned())));
    }

    #[test]
    fn refuses_what_is_not() {
        let cases: [(&[u8], &str); 6] = [
            (b"a=%", "a: has a broken percent escape"),
            (b"a=%2", "a: has a broken percent escape"),
            (b"a=%zz", "a: has a broken percent escape"),
            (b"a=%ff", "a: is not UTF-8"),
            (b"%ff=1", "A parameter's name is not UTF-8."),
            (b"a=1&%61=2", "a: is given more than once"),
        ];
        for (encoded, problem) in cases {
            assert_eq!(parse(encoded).unwrap_err().to_string(), problem);
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_usual_encoder(pairs in proptest::collection::btree_map("[^\\pC]{1,8}", "[^\\pC]{1,8}", 0..8)) {
            let mut encoder = form_urlencoded::Serializer::new(String::new());
            encoder.extend_pairs(&pairs);
            let mut fields = parse(encoder.finish().as_bytes()).unwrap();
            for (name, value) in pairs {
                proptest::prop_assert_eq!(fields.value(&name), Some(Value::String(value)));
            }
        }
    }
}
