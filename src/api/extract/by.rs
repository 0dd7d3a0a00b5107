//! The order of extraction.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use crate::api::error::ApiError;

/// First who asks, then what: whoever may not ask is not told what is wrong with the request, and
/// no more of it is read.
///
/// Parameters that stand beside each other in a handler are extracted at the same time, so that the
/// first to fail decides.
pub(crate) struct By<A, T>(pub(crate) A, pub(crate) T);

impl<A, T> FromRequest for By<A, T>
where
    A: FromRequest<Error = ApiError> + 'static,
    T: FromRequest + 'static,
    T::Error: Into<actix_web::Error>,
{
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        async move {
            let who = A::from_request(&request, &mut payload).await?;
            let what = T::from_request(&request, &mut payload)
                .await
                .map_err(Into::into)?;
            Ok(Self(who, what))
        }
        .boxed_local()
    }
}
