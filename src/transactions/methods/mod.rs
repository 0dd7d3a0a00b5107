//! The methods of authentication: a file for each, and the table of them.
//!
//! A [`Method`] holds everything in which one differs from another: names, whom it asks, what it
//! sends, who answers, what is logged. The rest of `transactions` reads it there and never compares
//! methods. A method that varies another one takes its fields from that (`..push::PUSH`).

mod message;
mod method;
mod otp;
mod push;
mod sms;

use crate::settings::AuthenticationMethod;

pub(super) use message::{Message, MessageKind, Outgoing, Recipient};
pub(super) use method::{Addressee, AnsweredBy, Method};
pub(super) use push::choose_device;

/// Writes the table twice: as a list, and as a `match` that does not compile while a method is
/// missing.
macro_rules! methods {
    ($($id:ident => $method:path,)*) => {
        const ALL: &[&Method] = &[$(&$method),*];

        /// The method of this name in the settings.
        pub(super) const fn of(id: AuthenticationMethod) -> &'static Method {
            match id {
                $(AuthenticationMethod::$id => &$method,)*
            }
        }
    };
}

methods! {
    Push => push::PUSH,
    Otp => otp::OTP,
    Sms => sms::SMS,
}

/// The method of this value of `transactions.method`.
pub(super) fn of_column(column: i16) -> Option<&'static Method> {
    ALL.iter().copied().find(|method| method.column == column)
}

/// The name of a method in answers to websites and in a device's list.
#[must_use]
pub const fn method_name(id: AuthenticationMethod) -> &'static str {
    of(id).name
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn each_name_and_column_belongs_to_one_method() {
        for method in ALL {
            assert_eq!(of(method.id).name, method.name);
            assert_eq!(of_column(method.column).unwrap().name, method.name);

            let configured = serde_json::to_value(method.id).unwrap();
            assert_eq!(configured, Value::String(method.name.to_uppercase()));
        }

        assert!(of_column(0).is_none());
    }
}
