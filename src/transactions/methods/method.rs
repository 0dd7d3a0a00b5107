//! What a method is: everything in which one differs from another.

use super::message::{Message, MessageKind, Outgoing};
use crate::ids::TransactionId;
use crate::otp::Typed;
use crate::secret::{Keyring, SecretString};
use crate::settings::{AuthenticationMethod, AuthenticationType, Settings};
use crate::transactions::content::SmsContent;
use crate::transactions::error::WebsiteError;
use crate::transactions::state::{Ending, Event, State};
use crate::transactions::types::StartRequest;
use crate::users::events::EventType;

/// A way to authenticate a user.
#[derive(Clone, Copy)]
pub(in crate::transactions) struct Method {
    /// As configured.
    pub id: AuthenticationMethod,
    /// The name in answers to websites, in a device's list and in metrics.
    pub name: &'static str,
    /// The value of `transactions.method`.
    pub column: i16,
    pub addressee: Addressee,
    /// Whether each message counts as a prompt, of which a user gets a limited number on a device.
    pub prompts: bool,
    /// Whether the website may be called back when the transaction ends.
    pub calls_back: bool,
    pub answered_by: AnsweredBy,
    /// `None` where nothing is sent to the user.
    pub sends: Option<Sends>,
    /// Derives the one-time password that the website shows, where there is one.
    pub password: Option<fn(&Keyring, TransactionId) -> SecretString>,
    pub events: Events,
    /// Refuses a start where the settings switch the method off.
    pub check_enabled: fn(&Settings) -> Result<(), WebsiteError>,
    /// Whether everything that the method needs is configured.
    pub is_configured: fn(&Settings) -> bool,
    /// Checks what the text message of a start needs, where it may come to one.
    pub sms_content:
        fn(&AuthenticationType, &StartRequest) -> Result<Option<SmsContent>, WebsiteError>,
}

/// Whom a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transactions) enum Addressee {
    /// A user whom the website names, on a device that is enrolled for push.
    Device,
    /// A user whom the website names, wherever the message finds them.
    User,
    /// Whoever scans the one-time password. The website must not name a user.
    Anyone,
}

/// Who answers a transaction.
#[derive(Clone, Copy)]
pub(in crate::transactions) enum AnsweredBy {
    /// A device, with an answer that one of these authenticators has signed.
    Device {
        authenticators: &'static [&'static str],
    },
    /// The website, with the code that the user typed.
    Code {
        compare: fn(&Keyring, TransactionId, &str) -> Typed,
    },
}

/// What a method sends to the user.
#[derive(Clone, Copy)]
pub(in crate::transactions) struct Sends {
    pub kind: MessageKind,
    /// Makes the message; `None` where the transaction lacks what it needs.
    pub message: fn(&Outgoing<'_>) -> Option<Message>,
}

/// What the audit log calls the steps of a transaction, where methods differ.
#[derive(Clone, Copy)]
pub(in crate::transactions) struct Events {
    pub started: EventType,
    pub resent: EventType,
    pub wrong_answer: EventType,
    pub accepted: EventType,
    pub attempts_used_up: EventType,
    pub not_sent: EventType,
}

impl Method {
    /// Whether a device's answer may be signed by this authenticator.
    pub(in crate::transactions) fn may_answer(&self, authenticator: &str) -> bool {
        match self.answered_by {
            AnsweredBy::Device { authenticators } => authenticators.contains(&authenticator),
            AnsweredBy::Code { .. } => false,
        }
    }

    /// Whether it sends messages of this kind.
    pub(in crate::transactions) fn sends(&self, kind: MessageKind) -> bool {
        self.sends.is_some_and(|sends| sends.kind == kind)
    }

    /// What the audit log calls a step to `next`; `None` where it records nothing.
    pub(in crate::transactions) fn event_type(
        &self,
        event: Event,
        next: State,
    ) -> Option<EventType> {
        let event_type = match next {
            State::Final(ending) => match ending {
                Ending::Accepted => self.events.accepted,
                Ending::Denied => EventType::MobileAuthNotAuthenticated,
                Ending::Reported => EventType::MobileAuthReported,
                Ending::Expired => EventType::MobileAuthExpired,
                Ending::Cancelled => EventType::MobileAuthCancelled,
                Ending::InvalidAnswer => self.events.attempts_used_up,
                Ending::FailedToSend => self.events.not_sent,
            },
            State::Pending(_) => match event {
                Event::WrongAnswer => self.events.wrong_answer,
                Event::ResendAsked => self.events.resent,
                Event::Claimed => EventType::OtpAuthClaimed,
                Event::Accepted
                | Event::Denied
                | Event::Reported
                | Event::Cancelled
                | Event::DeliveryFailed
                | Event::Look => return None,
            },
        };

        Some(event_type)
    }
}
