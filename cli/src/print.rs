//! Where a command writes: one buffered standard output that knows whether it may use colours.
//!
//! Nothing here prints by macro, so a reader that goes away is an error that travels up and ends the command quietly.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use clap::ColorChoice;
use serde_json::Value;

use crate::api::{Answer, Api};
use crate::failure::Outcome;
use crate::table::Table;

/// What a command works with.
pub(crate) struct Console<'t> {
    pub(crate) api: Api,
    pub(crate) terminal: &'t mut Terminal,
    /// Whether the server's JSON is wanted rather than text for people.
    pub(crate) json: bool,
}

impl Console<'_> {
    /// Shows an answer: untouched with `--json`, else as `show` writes it.
    pub(crate) fn answer(
        &mut self,
        answer: &Answer,
        show: impl FnOnce(&Value, &mut Terminal) -> io::Result<()>,
    ) -> Result<Outcome> {
        if self.json {
            self.terminal.raw(&answer.text)?;
        } else {
            show(&answer.value()?, self.terminal)?;
        }
        Ok(Outcome::Done)
    }

    /// Shows that something was done: the server's JSON if it sent any and it is wanted, else one sentence.
    pub(crate) fn done(&mut self, answer: &Answer, sentence: &str) -> Result<Outcome> {
        if self.json {
            self.terminal.raw(&answer.text)?;
        } else {
            self.terminal.line(sentence)?;
        }
        Ok(Outcome::Done)
    }
}

/// How a piece of text is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Strong,
    Good,
    Partly,
    Bad,
    Quiet,
}

impl Tone {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().bold(),
            Tone::Good => colour(AnsiColor::Green),
            Tone::Partly => colour(AnsiColor::Yellow),
            Tone::Bad => colour(AnsiColor::Red),
            Tone::Quiet => Style::new().dimmed(),
        }
    }
}

/// Standard output.
pub(crate) struct Terminal {
    out: Box<dyn Write>,
    colours: bool,
}

impl Terminal {
    pub(crate) fn stdout(choice: ColorChoice) -> Self {
        let out = io::stdout();
        let colours = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => colours_are_welcome(&out),
        };
        Self { out: Box::new(BufWriter::new(out)), colours }
    }

    /// The text in its tone, if colours are used.
    pub(crate) fn tint(&self, tone: Tone, text: &str) -> String {
        if !self.colours || tone == Tone::Plain {
            return text.to_owned();
        }
        let style = tone.style();
        format!("{style}{text}{style:#}")
    }

    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Writes text that is not ours to change, and ends the line if it does not.
    pub(crate) fn raw(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        if text.is_empty() || text.ends_with('\n') { Ok(()) } else { self.out.write_all(b"\n") }
    }

    pub(crate) fn table(&mut self, table: Table) -> io::Result<()> {
        let text = table.render(self.colours);
        self.raw(&text)
    }

    /// Writes names and values in two columns, leaving out values that are not there.
    pub(crate) fn facts(&mut self, facts: &[(&str, String)]) -> io::Result<()> {
        let known = || facts.iter().filter(|(_, value)| !value.is_empty());
        let width = known().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in known() {
            let name = self.tint(Tone::Quiet, &format!("{name:width$}"));
            writeln!(self.out, "{name}  {value}")?;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn colours_are_welcome(out: &Stdout) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    out.is_terminal() && !refused && !dumb
}
