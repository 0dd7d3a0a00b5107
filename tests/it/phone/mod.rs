//! The reference phone against a whole server: every call of the device protocol over real HTTP.

mod answers;
mod log_in;
mod otp;
mod saved;
