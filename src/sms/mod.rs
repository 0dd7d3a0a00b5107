//! Text messages: what they say and the gateways that send them.

pub mod message;

mod delivery;
mod gateway;
mod http_gateway;
mod twilio;
mod types;

pub use delivery::SmsDelivery;
pub use gateway::GatewaySms;
pub use types::{InvalidPhoneNumber, PhoneNumber, SmsMessage, SmsSender};
