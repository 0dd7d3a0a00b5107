//! Secrets by reference: `env:NAME` and `file:PATH`.
//!
//! A secret that stands in the file itself is refused: such files are kept in version control and
//! shown to colleagues.

use std::path::PathBuf;

use super::documents::Reveal;
use super::problem::Problem;
use crate::secret::SecretString;

/// The largest file a reference may name.
const BYTES_MAX: usize = 64 * 1024;

/// Reads a variable of the environment.
pub type ReadVariable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Resolves references.
pub(super) struct References<'a> {
    /// Where relative paths count from: the directory of the file that has the reference.
    pub(super) directory: PathBuf,
    pub(super) environment: ReadVariable<'a>,
}

impl Reveal for References<'_> {
    fn secret(&self, field: &'static str, written: &str) -> Result<SecretString, Problem> {
        let problem =
            "must be a reference, `env:NAME` or `file:PATH`: secrets do not stand in this file";
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
    /// What the reference refers to; `None` if it is none.
    fn resolve(&self, field: &'static str, written: &str) -> Option<Result<String, Problem>> {
        let value = if let Some(name) = written.strip_prefix("env:") {
            (self.environment)(name).ok_or_else(|| format!("the variable {name} is not set"))
        } else {
            let path = self.directory.join(written.strip_prefix("file:")?);
            read_file(&path)
        };

        let value = value.and_then(|value| {
            let empty = value.is_empty();
            if empty {
                Err(format!("{written} is empty"))
            } else {
                Ok(value)
            }
        });

        Some(value.map_err(|problem| Problem::new(field, problem)))
    }
}

/// The file's text. One line end at its end belongs to the file, not to the secret.
fn read_file(path: &std::path::Path) -> Result<String, String> {
    let mut text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if text.len() > BYTES_MAX {
        return Err(format!(
            "{} is longer than {BYTES_MAX} bytes",
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
