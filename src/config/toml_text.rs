//! Reads TOML without quoting it in errors: the parser's own message shows the line, which may
//! contain a secret.

use serde::de::DeserializeOwned;

/// The text is not valid TOML.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) message: String,
}

pub(crate) fn parse(text: &str) -> Result<toml::Table, SyntaxError> {
    text.parse::<toml::Table>().map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let line_breaks = text.bytes().take(offset).filter(|byte| *byte == b'\n');

        SyntaxError {
            line: line_breaks.count() + 1,
            message: error.message().to_owned(),
        }
    })
}

/// A key is unknown, or its value has the wrong type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ShapeError {
    /// The key, such as `api_clients[0].client_secret`. Empty for the whole text.
    pub(crate) place: String,
    /// May quote the value.
    pub(crate) message: String,
}

/// Deserializes what was parsed.
pub(crate) fn read<T: DeserializeOwned>(table: toml::Table) -> Result<T, ShapeError> {
    serde_path_to_error::deserialize(table).map_err(|error| {
        let path = error.path();
        let place = match path.iter().next() {
            Some(_) => path.to_string(),
            None => String::new(),
        };

        ShapeError {
            place,
            message: error.inner().message().to_owned(),
        }
    })
}
