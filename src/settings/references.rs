//! References to secrets: `env:NAME` and `file:PATH`.
//!
//! The configuration file must not contain secrets themselves: it is meant for version control.

use std::path::{Path, PathBuf};

use super::documents::SecretReader;
use super::problem::Problem;
use crate::secret::SecretString;

/// The largest file that a reference may name.
const BYTES_MAX: usize = 64 * 1024;

/// Reads an environment variable; `None` if it is not set.
pub type ReadVariable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Resolves references.
pub(super) struct References<'a> {
    /// Where relative paths start: the directory of the configuration file.
    pub(super) directory: PathBuf,
    pub(super) environment: ReadVariable<'a>,
}

impl SecretReader for References<'_> {
    fn secret(&self, field: &'static str, written: &str) -> Result<SecretString, Problem> {
        let problem =
            "must be a reference, `env:NAME` or `file:PATH`: this file must not contain secrets";
        self.resolve(field, written)
            .unwrap_or_else(|| Err(Problem::new(field, problem)))
            .map(SecretString::new)
    }

    fn text(&self, field: &'static str, written: &str) -> Result<String, Problem> {
        self.resolve(field, written)
            .unwrap_or_else(|| Ok(written.to_owned()))
    }
}

impl References<'_> {
    /// The text that the reference refers to; `None` if `written` is not a reference.
    fn resolve(&self, field: &'static str, written: &str) -> Option<Result<String, Problem>> {
        let value = if let Some(name) = written.strip_prefix("env:") {
            (self.environment)(name).ok_or_else(|| format!("the variable {name} is not set"))
        } else {
            // An absolute path replaces the directory.
            let path = self.directory.join(written.strip_prefix("file:")?);
            read_file(&path)
        };

        let value = value.and_then(|value| {
            // An empty variable is one that somebody forgot to fill: an empty secret would protect
            // nothing.
            if value.is_empty() {
                Err(format!("{written} is empty"))
            } else {
                Ok(value)
            }
        });

        Some(value.map_err(|problem| Problem::new(field, problem)))
    }
}

/// Reads a file without its last line end, which editors add.
fn read_file(path: &Path) -> Result<String, String> {
    let mut text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    // A log file that is named by mistake is no secret.
    if text.len() > BYTES_MAX {
        return Err(format!(
            "{} has more than {BYTES_MAX} bytes",
            path.display()
        ));
    }

    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }

    Ok(text)
}
