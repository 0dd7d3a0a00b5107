//! How the types of a handler describe themselves in the OpenAPI document.

mod operation;
mod scheme;

pub(crate) use operation::{Operation, Schemas};
pub(crate) use scheme::{SCHEMES, Scheme};
