//! Callbacks from the row to the website, over real connections.

mod canary;
mod delivery;
mod guard;
mod harness;
mod proxy;
