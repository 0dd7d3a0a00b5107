//! The demo's output: numbered steps, and below each the HTTP messages and what a person would see.

use std::io::{self, Write};

use serde_json::Value;

/// Longer bodies and notes are cut.
const CHARACTERS_MAX: usize = 600;

pub(super) struct Transcript<W> {
    out: W,
    step: usize,
}

impl<W: Write> Transcript<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, step: 0 }
    }

    /// Writes a heading.
    pub(super) fn part(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out, "\n{title}\n{}", "─".repeat(title.chars().count()))
    }

    /// Writes the next step. Numbers run on through all parts.
    pub(super) fn step(&mut self, title: &str) -> io::Result<()> {
        self.step += 1;
        writeln!(self.out, "\n{:>3}. {title}", self.step)
    }

    /// Writes a request and its form fields.
    pub(super) fn request(
        &mut self,
        method: &str,
        path: &str,
        form: &[(&str, &str)],
    ) -> io::Result<()> {
        writeln!(self.out, "       → {method} {path}")?;
        form.iter()
            .try_for_each(|(name, value)| writeln!(self.out, "           {name} = {value}"))
    }

    /// Writes a response.
    pub(super) fn answer(&mut self, status: u16, body: &Value) -> io::Result<()> {
        let body = if body.is_null() {
            String::new()
        } else {
            cut(&body.to_string())
        };

        writeln!(self.out, "       ← {status} {body}")
    }

    /// Writes a remark below a step.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "       {}", cut(text))
    }

    /// Draws a phone's screen.
    pub(super) fn screen(&mut self, lines: &[&str]) -> io::Result<()> {
        let width = lines
            .iter()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or_default();

        let bar = "─".repeat(width + 2);

        writeln!(self.out, "       ╭{bar}╮")?;

        lines
            .iter()
            .try_for_each(|line| writeln!(self.out, "       │ {line:<width$} │"))?;

        writeln!(self.out, "       ╰{bar}╯")
    }

    /// Writes text as it is.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }
}

fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(CHARACTERS_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_are_numbered_across_parts() {
        let mut written = Vec::new();
        let mut transcript = Transcript::new(&mut written);
        transcript.part("Push").unwrap();
        transcript.step("The website asks.").unwrap();

        transcript
            .request("GET", "/x", &[("type", "login")])
            .unwrap();

        transcript.answer(204, &Value::Null).unwrap();
        transcript.part("SMS").unwrap();
        transcript.step("The website asks.").unwrap();

        transcript
            .answer(200, &json!("ä".repeat(CHARACTERS_MAX)))
            .unwrap();

        transcript.screen(&["Hello", "Pay?"]).unwrap();

        let text = String::from_utf8(written).unwrap();
        assert!(text.contains(
            "\nPush\n────\n\n  1. The website asks.\n       → GET /x\n           type = login\n       ← 204"
        ));

        assert!(text.contains("  2. The website asks.\n"));
        assert!(text.contains("ä…\n"));

        assert!(
            text.contains(
                "       ╭───────╮\n       │ Hello │\n       │ Pay?  │\n       ╰───────╯\n"
            )
        );
    }
}
