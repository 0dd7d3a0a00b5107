//! What the demo writes: numbered steps, and under each what went over the wire and what a person
//! would see.

use std::io::{self, Write};

use serde_json::Value;

/// Longer texts on the wire are cut.
const WIRE_CHARACTERS_MAX: usize = 600;

/// Writes the demo's story.
pub(super) struct Transcript<W> {
    out: W,
    step: usize,
}

impl<W: Write> Transcript<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, step: 0 }
    }

    /// A part of the story.
    pub(super) fn part(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out, "\n{title}\n{}", "─".repeat(title.chars().count()))
    }

    /// Something happens next.
    pub(super) fn step(&mut self, title: &str) -> io::Result<()> {
        self.step += 1;
        writeln!(self.out, "\n{:>3}. {title}", self.step)
    }

    /// A request as it is sent.
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

    /// Its answer.
    pub(super) fn answer(&mut self, status: u16, body: &Value) -> io::Result<()> {
        let body = if body.is_null() {
            String::new()
        } else {
            cut(&body.to_string())
        };
        writeln!(self.out, "       ← {status} {body}")
    }

    /// Anything else worth knowing.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "       {}", cut(text))
    }

    /// What a phone shows.
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

    /// Text as it is.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }
}

fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(WIRE_CHARACTERS_MAX).collect();
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
    fn steps_are_numbered_through_the_parts() {
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
            .answer(200, &json!("ä".repeat(WIRE_CHARACTERS_MAX)))
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
