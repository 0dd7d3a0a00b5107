//! Users, as far as the server knows them: what happened to them.

pub mod events;
