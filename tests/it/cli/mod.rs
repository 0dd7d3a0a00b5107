//! The program itself, run as a command.

mod configuration;
mod program;
mod serving;
