//! JSON bodies: one object, each member once at every depth, so that no two readers see two
//! different requests.

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use serde_json::{Map, Value};

use super::body::{self, MediaType};
use super::fields::{Fields, FromFields};
use crate::api::error::{ApiError, Fault};
use crate::jose;

/// A JSON body, checked.
pub(crate) struct Json<T>(pub(crate) T);

/// The body as it came: one JSON object, for a facade that checks its members itself.
pub(crate) struct JsonBytes(pub(crate) Bytes);

impl FromRequest for JsonBytes {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        async move {
            let api = super::api(&request)?;
            let read = body::read(&api, &request, &mut payload, MediaType::Json).await;
            let checked = read.and_then(|body| check(&body).map(|()| Self(body)));
            checked.map_err(|fault| super::fault(&request, &fault))
        }
        .boxed_local()
    }
}

impl<T: FromFields + 'static> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        async move {
            let api = super::api(&request)?;
            let taken = match body::read(&api, &request, &mut payload, MediaType::Json).await {
                Ok(body) => parse(&body).and_then(|mut fields| T::from_fields(&mut fields)),
                Err(fault) => Err(fault),
            };
            taken
                .map(Self)
                .map_err(|fault| super::fault(&request, &fault))
        }
        .boxed_local()
    }
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
        jose::JoseError::DuplicateMember => {
            Fault::MalformedBody(format!("The body {error}.").into())
        }
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
    fn what_is_ambiguous_or_excessive_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
        for body in [
            "",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            "[]",
            "1",
            "{",
            "{} {}",
            &deep,
        ] {
            assert!(
                matches!(parse(body.as_bytes()), Err(Fault::MalformedBody(_))),
                "{body:.40}"
            );
        }
    }
}
