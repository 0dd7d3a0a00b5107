//! The management listener: administrators, health, metrics, the API described.

pub(crate) mod callbacks;
pub(crate) mod docs;
pub(crate) mod health;

pub(crate) use callbacks::{callbacks, replay_callback};
pub(crate) use docs::{docs, openapi, pages};
pub(crate) use health::{livez, metrics, readyz};
