//! Harnesses and helpers that several areas of tests share. `tests/README.md` describes the harnesses.

pub(crate) mod app;
pub(crate) mod browser;
pub(crate) mod databases;
pub(crate) mod http;
pub(crate) mod listener;
pub(crate) mod people;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod rows;
pub(crate) mod sandbox;
pub(crate) mod server;
pub(crate) mod statements;
pub(crate) mod temporary;
pub(crate) mod world;
