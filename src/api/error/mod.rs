//! How errors leave the server.
//!
//! Features return errors of their own types, without HTTP. The files here turn them into an
//! [`ApiError`]: a status and a body in the shape of the [`Area`]. [`Fault`] is what any endpoint
//! can answer, in whichever shape its area has.

mod api_error;
mod area;
mod bodies;
mod clients;
mod fault;
mod oauth;
mod problems;
mod website;

pub(crate) use api_error::ApiError;
pub(crate) use area::Area;
pub(crate) use bodies::{OAuthBody, ProblemDocument, WebsiteBody};
pub(crate) use fault::Fault;
