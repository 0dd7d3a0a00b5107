//! The program itself, as people start it.

mod configuration;
mod program;
mod serving;
