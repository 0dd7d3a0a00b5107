//! The reference phone: the device protocol as a client library.
//!
//! It does what a mobile application does. The tests, the demo, the benchmark and integration tests
//! elsewhere use it. It is no authenticator for real users, because its keys are in a file or in
//! memory instead of secure hardware.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use countersign::ids::UserId;
//! use countersign::phone::{ApiUserAgent, Connection, Phone, PhoneProfile, PushTransport};
//! use std::time::Duration;
//!
//! let connection = Connection::new(&"http://127.0.0.1:8080".parse()?)?;
//! let login_page = ApiUserAgent::new(connection.clone(), "portal", "secret".to_owned().into());
//! let phone = Phone::register(connection, &PhoneProfile::new("bank", "1.0", "android").named("Alice's phone")).await?;
//! let alice: UserId = "alice".parse()?;
//! phone.log_in(&login_page, &alice, "bank://login").await?;
//! phone.enrol(&alice).await?;
//! phone.enrol_push(&alice, PushTransport::Poll).await?;
//! for pending in phone.pending(Duration::from_secs(30)).await? {
//!     let transaction = phone.fetch(pending.transaction_id).await?;
//!     phone.accept(&transaction).await?;
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod authenticators;
mod connection;
mod device;
mod enrolment;
mod error;
mod log_in;
mod pin;
mod refresh;
mod registration;
mod saved;
mod tokens;
mod transactions;

pub use answer::{AnswerClaims, Decision, content_digest};
pub use connection::Connection;
pub use device::Phone;
pub use enrolment::PushTransport;
pub use error::{PhoneError, ServerError};
pub use log_in::{ApiUserAgent, LogIn, UserAgent};
pub use refresh::Proof;
pub use registration::PhoneProfile;
pub use transactions::{FetchedTransaction, PendingTransaction};
