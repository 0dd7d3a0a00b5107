//! JSON bodies: one object, in which no member has the name of another at any depth, so that no two
//! readers see different requests.

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::body::{self, MediaType};
use super::fields::{Fields, FromFields};
use super::request::{Extract, Request};
use crate::api::error::{ApiError, Fault};
use crate::api::openapi::Operation;
use crate::jose::{self, JoseError};

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: FromFields> Extract for Json<T> {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let body = body::read(request, MediaType::Json).await?;
        let mut fields = parse(&body)?;

        Ok(Self(T::from_fields(&mut fields)?))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.json::<T::Schema>();
    }
}

/// Reads a JSON object for a feature that parses it itself.
pub(crate) async fn read_json_object(request: &mut Request<'_>) -> Result<Bytes, Fault> {
    let body = body::read(request, MediaType::Json).await?;
    check(&body)?;

    Ok(body)
}

/// The members of the object in a body.
fn parse(body: &[u8]) -> Result<Fields, Fault> {
    check(body)?;
    let members: Map<String, Value> = serde_json::from_slice(body).map_err(|_| not_an_object())?;

    let mut fields = Fields::default();
    for (name, value) in members {
        fields.insert(name, value)?;
    }

    Ok(fields)
}

fn check(body: &[u8]) -> Result<(), Fault> {
    jose::check_object(body).map_err(|error| match error {
        JoseError::DuplicateMember => Fault::MalformedBody(format!("The body {error}.").into()),
        _ => not_an_object(),
    })
}

fn not_an_object() -> Fault {
    Fault::MalformedBody("The body must be one JSON object.".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_become_fields() {
        let mut fields = parse(br#"{"a":"1","b":{"c":[true,null,1.5]}}"#).unwrap();
        assert_eq!(fields.text("a", 9), Ok(Some("1".to_owned())));

        assert_eq!(
            fields.value("b"),
            Some(serde_json::json!({"c": [true, null, 1.5]}))
        );
    }

    #[test]
    fn what_is_ambiguous_or_too_deep_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
        let bodies = [
            "",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            "[]",
            "1",
            "{",
            "{} {}",
            &deep,
        ];

        for body in bodies {
            assert!(
                matches!(parse(body.as_bytes()), Err(Fault::MalformedBody(_))),
                "{body:.40}"
            );
        }
    }
}
