//! Why the server's settings cannot be used.

use std::path::PathBuf;

/// Why the server's settings cannot be used. Never shows a secret's value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The file is not valid TOML.
    #[error("{}, line {line}: {message}", path.display())]
    Syntax {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        message: String,
    },
    #[error(
        "unknown variable {0}: `countersign config` lists the known keys; each is also a variable, COUNTERSIGN_SECTION__KEY"
    )]
    UnknownVariable(String),
    /// The value of a variable cannot be used.
    #[error("{variable}: {problem}")]
    Variable {
        variable: String,
        problem: &'static str,
    },
    /// A key is unknown, or its value cannot be used.
    #[error("{place}: {problem}")]
    Key {
        /// The key, and the file it may come from.
        place: String,
        problem: String,
    },
}
