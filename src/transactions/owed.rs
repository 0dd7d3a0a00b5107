//! A message that is owed to a user, and how far its delivery has come. Pure.

use std::time::Duration;

use super::methods::Message;
use crate::clock::Timestamp;
use crate::ids::{TransactionId, UserId};

/// How long a server may deliver a message before another one takes over: longer than any attempt,
/// so that none is under way when that happens.
pub(super) const LEASE: Duration = Duration::from_secs(25);

/// How long one attempt may take: with a fresh access token, and repeated with another one.
pub(super) const ATTEMPT_MAX: Duration = Duration::from_secs(20);

/// How long after the end of a pause a server that has not gone on is taken for dead.
pub(super) const PAUSE_GRACE: Duration = Duration::from_secs(5);

/// A message that this server is to deliver.
pub(super) struct Owed {
    pub(super) id: TransactionId,
    pub(super) user: Option<UserId>,
    /// Those of the lease.
    pub(super) fence: i64,
    pub(super) lease_until: Timestamp,
    /// Whether an attempt before this lease may have been taken.
    pub(super) is_in_doubt: bool,
    /// Whether no message of the transaction was delivered before. It fails if this one cannot be.
    pub(super) is_first: bool,
    /// Whether its end is recorded at once: a repetition with the same idempotency key, perhaps on
    /// another server, looks for it.
    pub(super) is_looked_for: bool,
    pub(super) message: Message,
    pub(super) expires_at: Timestamp,
}

/// How far the delivery of a message has come, as whoever takes it over must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The provider surely has not taken it.
    NotTaken,
    /// The first attempt that it may take is under way.
    Attempting,
    /// It may have been taken once.
    InDoubt,
    /// It may have been taken once, and is being sent again.
    Repeating,
}

impl Progress {
    /// An attempt is under way.
    pub(super) const fn attempting(is_in_doubt: bool) -> Self {
        if is_in_doubt {
            Self::Repeating
        } else {
            Self::Attempting
        }
    }

    /// No attempt is under way.
    pub(super) const fn paused(is_in_doubt: bool) -> Self {
        if is_in_doubt {
            Self::InDoubt
        } else {
            Self::NotTaken
        }
    }

    /// Whether the message may have been taken once its server is dead. `None` where it may have been
    /// taken twice: then it must not be sent again.
    pub(super) const fn taken_over(self) -> Option<bool> {
        match self {
            Self::NotTaken => Some(false),
            Self::Attempting | Self::InDoubt => Some(true),
            Self::Repeating => None,
        }
    }

    /// The value of `transactions.delivery_progress`.
    pub(super) const fn column(self) -> i16 {
        match self {
            Self::NotTaken => 0,
            Self::Attempting => 1,
            Self::InDoubt => 2,
            Self::Repeating => 3,
        }
    }

    /// `None` for values that are never written.
    pub(super) const fn of_column(column: i16) -> Option<Self> {
        match column {
            0 => Some(Self::NotTaken),
            1 => Some(Self::Attempting),
            2 => Some(Self::InDoubt),
            3 => Some(Self::Repeating),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_progress_is_read_as_it_was_written() {
        for is_in_doubt in [false, true] {
            for progress in [
                Progress::attempting(is_in_doubt),
                Progress::paused(is_in_doubt),
            ] {
                assert_eq!(Progress::of_column(progress.column()), Some(progress));
            }
        }

        assert_eq!(Progress::of_column(4), None);
    }

    #[test]
    fn however_often_servers_die_a_message_is_sent_twice_at_most() {
        // Each server dies while its attempt is under way.
        let mut progress = Progress::attempting(false);
        let mut sent = 1;

        while let Some(is_in_doubt) = progress.taken_over() {
            progress = Progress::attempting(is_in_doubt);
            sent += 1;
        }

        assert_eq!(sent, 2);

        // Or between attempts of which the provider surely took none.
        assert_eq!(Progress::paused(false).taken_over(), Some(false));
    }
}
