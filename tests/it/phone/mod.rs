//! The reference phone against a whole server, over real HTTP.

mod answers;
mod command_line;
mod log_in;
mod otp;
mod refresh;
mod saved;
