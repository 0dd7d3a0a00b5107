//! The names that the demo's settings and its steps share.

/// The application that the phone runs.
pub(super) const APPLICATION: &str = "bank";
pub(super) const REDIRECT_URI: &str = "bank://login";

/// The website's API client.
pub(super) const WEBSITE: &str = "website";
/// A web client that gets tokens for itself.
pub(super) const SHOP: &str = "shop";
/// The API client of the resource server that the shop's tokens are for.
pub(super) const ORDERS_API: &str = "orders-api";
pub(super) const ORDERS_AUDIENCE: &str = "https://orders.example";
/// The clients whose secrets the settings read from files.
pub(super) const CLIENTS: [&str; 3] = [WEBSITE, SHOP, ORDERS_API];

pub(super) const USER: &str = "alice";
pub(super) const PIN: &str = "1234";
pub(super) const MISTYPED_PIN: &str = "1243";

/// The registration token that the sandbox's FCM knows the phone by.
pub(super) const PUSH_TOKEN: &str = "demo-registration-token";
/// A number of the range that Twilio reserves for tests.
pub(super) const PHONE_NUMBER: &str = "+15005550010";
