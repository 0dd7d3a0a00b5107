//! A request, and how handlers take their parameters from it.

use actix_web::dev::Payload;
use actix_web::{HttpRequest, web};

use crate::api::context::Api;
use crate::api::error::{ApiError, Fault};
use crate::api::openapi::Operation;

/// A request whose handler is about to be called.
pub(crate) struct Request<'a> {
    pub(crate) head: &'a HttpRequest,
    pub(crate) api: &'a web::Data<Api>,
    pub(super) payload: Payload,
}

impl<'a> Request<'a> {
    /// # Errors
    /// The server was put together without an [`Api`].
    pub(crate) fn new(head: &'a HttpRequest, payload: Payload) -> Result<Self, Fault> {
        let api = head.app_data().ok_or(Fault::Internal)?;

        Ok(Self { head, api, payload })
    }
}

/// A parameter of a handler.
pub(crate) trait Extract: Sized {
    /// Takes the parameter from the request and checks it.
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError>;

    /// Describes what an endpoint with this parameter requires and takes.
    fn describe(operation: &mut Operation<'_>);
}

impl Extract for web::Data<Api> {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        Ok(request.api.clone())
    }

    fn describe(_: &mut Operation<'_>) {}
}

/// The parameters of a handler, one after the other.
macro_rules! extract_in_order {
    ($($parameter:ident)*) => {
        impl<$($parameter: Extract),*> Extract for ($($parameter,)*) {
            async fn extract(_request: &mut Request<'_>) -> Result<Self, ApiError> {
                Ok(($($parameter::extract(_request).await?,)*))
            }

            fn describe(_operation: &mut Operation<'_>) {
                $($parameter::describe(_operation);)*
            }
        }
    };
}

extract_in_order! {}
extract_in_order! { A }
extract_in_order! { A B }
extract_in_order! { A B C }
extract_in_order! { A B C D }
extract_in_order! { A B C D E }
