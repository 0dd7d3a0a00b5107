//! Hosting of actors: the threads they live on, how they are found, how many there may be.
//!
//! Actors of one id each are not supervised by actix, which would restart them with the same value
//! and only when they stop. They are found through a [`Directory`]; one that has died is rebuilt
//! from its row by whoever needs it next.

/// An actor's address, for those who only pass it on.
pub use actix::Addr as Address;

mod admission;
mod arbiters;
mod directory;
mod supervise;
mod tell;

pub use admission::Permit;
pub use arbiters::Arbiters;
pub use directory::{Directory, DirectoryOptions};
pub use supervise::{Shutdown, ShutdownSignal, supervise};
pub use tell::{Gone, Reply, ask};
