use url::Url;

/// The pages that ask users.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Finds out who a user is; without one nobody can log in.
    pub(super) login: Option<Url>,
    /// Asks users what they allow; without one only clients that need no consent get a code.
    pub(super) consent: Option<Url>,
    built_in: bool,
}

impl Pages {
    pub(crate) fn new(login: Option<Url>, consent: Option<Url>, built_in: bool) -> Self {
        Self {
            login,
            consent,
            built_in,
        }
    }

    /// Whether the server has login and consent pages of its own.
    #[must_use]
    pub fn are_built_in(&self) -> bool {
        self.built_in
    }

    /// Where a form on a page of this server may lead to.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        [&self.login, &self.consent]
            .into_iter()
            .flatten()
            .map(|url| url.origin().ascii_serialization())
            .collect()
    }
}
