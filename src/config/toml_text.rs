//! Reads TOML without repeating what stands in it: a parser's own message shows the line, which may
//! hold a secret.

/// Where and why a text is not TOML.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What is expected there.
    pub(crate) message: String,
}

pub(crate) fn parse(text: &str) -> Result<toml::Table, SyntaxError> {
    text.parse::<toml::Table>().map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let line = text
            .bytes()
            .take(offset)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1;
        SyntaxError {
            line,
            message: error.message().to_owned(),
        }
    })
}
