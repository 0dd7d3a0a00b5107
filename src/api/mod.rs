//! HTTP: turns requests into calls of the features, and their results into responses.
//!
//! How a request is handled:
//!
//! 1. `boundary` does what every request needs: an id, a place among the requests in progress,
//!    metrics, the log, headers.
//! 2. `routes` finds the `endpoint` by path and method.
//! 3. `extract` makes the handler's parameters, in their order: first who is calling and whether
//!    they may, then what they send.
//! 4. The handler calls one feature and returns a `reply` or an `error`.
//!
//! Endpoints are declared in tables at the top of the files that have their handlers; the folders
//! are the sections of the API. Routing, `Allow`, the routes in the metrics and the OpenAPI
//! `document` follow from these tables. To add an endpoint, add an entry to the table of its file,
//! or write a new file and name it in the `mod.rs` of its folder.

mod boundary;
mod context;
mod cors;
mod device;
mod document;
mod end_user;
mod endpoint;
mod error;
mod extract;
mod gate;
mod management;
mod names;
mod oauth;
mod openapi;
mod pages;
mod reply;
mod request_id;
mod routes;
mod span;
mod waiting;
mod website;

pub use boundary::boundary;
pub use context::{Api, RequestLimits};
pub use endpoint::Listener;
pub use gate::Gate;
pub use pages::Pages;
pub use routes::configure;
pub use span::RequestSpan;
