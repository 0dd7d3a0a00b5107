//! Endpoints: a method of a path, its handler, and what the OpenAPI document says about it.
//!
//! The macro [`endpoints!`] declares them in a table. An entry has the summary and, after an empty
//! line, the description; method, path and handler; and the errors that are particular to it:
//!
//! ```ignore
//! pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
//!     /// Cancels a pending transaction.
//!     DELETE "/oauth/api/v4/authenticate/transaction/{transaction_id}" => cancel_transaction,
//!         409 "The transaction has ended.";
//! };
//! ```
//!
//! Everything else comes from the handler's signature: each parameter is an [`Extract`], the result
//! is a [`Reply`], and both describe themselves. So the rights that an endpoint requires, its
//! parameters, its body and its responses are in the document because the handler has them.

use actix_web::http::Method;
use actix_web::{Handler, HttpRequest, HttpResponse, Route, web};

use super::error::{ApiError, Area};
use super::extract::{Extract, Request};
use super::openapi::Operation;
use super::reply::Reply;

/// The address that an endpoint is served at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// For websites, devices, portals and browsers.
    Public,
    /// For administrators and for operating the server. Not reachable by the public.
    Management,
}

/// The endpoints of a part of the API, with a heading of their own in the document.
pub(crate) struct Section {
    pub(crate) listener: Listener,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// One table for each file.
    pub(crate) tables: &'static [&'static [Endpoint]],
}

/// An entry of a table, made by [`endpoints!`].
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// The path, with its parameters in braces.
    pub(crate) pattern: &'static str,
    /// The handler's name.
    pub(crate) name: &'static str,
    /// The lines of the doc comment.
    pub(crate) doc: &'static [&'static str],
    /// The statuses of its particular errors, and what they mean.
    pub(crate) errors: &'static [(u16, &'static str)],
    /// Makes the handler's route. Each worker of the server has its own.
    pub(crate) route: fn() -> Route,
    /// Adds what the handler's signature says.
    pub(crate) describe: fn(&mut Operation<'_>),
}

impl Endpoint {
    /// The path for the document, where a parameter is nothing but a name.
    pub(crate) fn template(&self) -> String {
        // The only expression that a pattern has: a parameter that goes over slashes.
        self.pattern.replace(":.+}", "}")
    }
}

macro_rules! endpoints {
    ($(
        $(#[doc = $doc:literal])+
        $method:ident $pattern:literal => $handler:ident $(, $status:literal $meaning:literal)*;
    )+) => {
        &[$($crate::api::endpoint::Endpoint {
            method: actix_web::http::Method::$method,
            pattern: $pattern,
            name: stringify!($handler),
            doc: &[$($doc),+],
            errors: &[$(($status, $meaning)),*],
            route: || $crate::api::endpoint::route($handler),
            describe: |operation| $crate::api::endpoint::describe($handler, operation),
        }),+]
    };
}

pub(crate) use endpoints;

/// The route of a handler.
pub(crate) fn route<F, Parameters>(handler: F) -> Route
where
    F: Handler<Parameters, Output: Reply>,
    Parameters: Extract + 'static,
{
    web::to(move |request: HttpRequest, payload: web::Payload| {
        let handler = handler.clone();

        async move {
            let result = answer(handler, &request, payload).await;
            result.unwrap_or_else(|error| {
                HttpResponse::from_error(error.shaped(Area::of(request.path())))
            })
        }
    })
}

async fn answer<F, Parameters>(
    handler: F,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError>
where
    F: Handler<Parameters, Output: Reply>,
    Parameters: Extract,
{
    let mut request = Request::new(request, payload.into_inner())?;
    let parameters = Parameters::extract(&mut request).await?;

    handler.call(parameters).await.into_response()
}

/// Adds to an operation what the signature of its handler says.
pub(crate) fn describe<F, Parameters>(_: F, operation: &mut Operation<'_>)
where
    F: Handler<Parameters, Output: Reply>,
    Parameters: Extract,
{
    Parameters::describe(operation);
    F::Output::describe(operation);
}
