//! Wrong answers of a user in a row, across transactions: a new start gives nobody new attempts.

/// Whose wrong answers they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel {
    pub user: String,
    /// The name of the method by which the user answers.
    pub name: &'static str,
}

/// What an entry has to do with wrong answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failures {
    /// Nothing is written where there were so many in a row.
    Below { of: Channel, max: u32 },
    /// One more, once the entry is written.
    Count(Channel),
    /// The answer was right: the row of wrong ones has ended.
    Forget(Channel),
}
