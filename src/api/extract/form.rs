//! `application/x-www-form-urlencoded`, in bodies and query strings.
//!
//! Parsing is strict. Common decoders repair what is malformed: they keep a broken escape as it is
//! and replace bytes that are not UTF-8. What a website has signed, shown or looked up must be
//! exactly what it sent, so malformed input is an error.

use actix_web::web::Bytes;
use serde_json::Value;

use super::body::{self, MediaType};
use super::fields::{Fields, FromFields, printable};
use super::request::{Extract, Request};
use crate::api::error::{ApiError, Fault};
use crate::api::openapi::Operation;
use crate::percent;

/// A form that anybody may send.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: FromFields> Extract for Form<T> {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let (_, mut fields) = read(request).await?;

        Ok(Self(take(&mut fields)?))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.form::<T::Schema>();
    }
}

/// What an endpoint takes from a form. What is left over is an error, unless the endpoint ignores it.
pub(super) fn take<T: FromFields>(fields: &mut Fields) -> Result<T, Fault> {
    let taken = T::from_fields(fields)?;
    if !T::IGNORES_UNKNOWN {
        fields.refuse_others()?;
    }

    Ok(taken)
}

/// Reads a form. Returns the body as well.
pub(super) async fn read(request: &mut Request<'_>) -> Result<(Bytes, Fields), Fault> {
    let body = body::read(request, MediaType::Form).await?;
    let fields = parse(&body)?;

    Ok((body, fields))
}

/// The parameters of a form or a query string.
pub(super) fn parse(encoded: &[u8]) -> Result<Fields, Fault> {
    let mut fields = Fields::default();
    let pairs = encoded.split(|byte| *byte == b'&');

    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let equals = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = pair.split_at(equals.unwrap_or(pair.len()));
        let value = value.strip_prefix(b"=").unwrap_or_default();

        let name = percent::decode_form(name)
            .map_err(|error| Fault::MalformedBody(format!("A parameter's name {error}.").into()))?;
        let value = percent::decode_form(value).map_err(|error| Fault::Parameter {
            name: printable(&name),
            problem: error.to_string().into(),
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
    fn refuses_what_is_malformed() {
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
        fn decodes_what_the_usual_encoder_encodes(
            pairs in proptest::collection::btree_map("[^\\pC]{1,8}", "[^\\pC]{1,8}", 0..8),
        ) {
            let mut encoder = form_urlencoded::Serializer::new(String::new());
            encoder.extend_pairs(&pairs);

            let mut fields = parse(encoder.finish().as_bytes()).unwrap();

            for (name, value) in pairs {
                let name: &'static str = name.leak();
                proptest::prop_assert_eq!(fields.value(name), Some(Value::String(value)));
            }
        }
    }
}
