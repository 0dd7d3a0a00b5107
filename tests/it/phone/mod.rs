//! The reference phone against a whole server: every call of the device protocol over real HTTP.

mod answers;
mod command_line;
mod log_in;
mod otp;
mod refresh;
mod saved;
