//! `hoist stale`: which flags to clean up, and why.

use std::io;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::api::Call;
use crate::failure::Outcome;
use crate::flag::word;
use crate::print::{Console, Terminal, Tone};
use crate::table::{Cell, Table};
use crate::value::{list, text, text_or_dash};

/// Report which flags to clean up, with the reasons and the next step
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist stale
  hoist stale --owner web-team --format markdown
  hoist stale --fail-on remove-code --fail-on archive     (exit code 1 if there is any)")]
pub(crate) struct Stale {
    /// Only flags with this verdict
    #[arg(long)]
    verdict: Option<Verdict>,
    /// Only flags of this owner
    #[arg(long)]
    owner: Option<String>,
    /// Only flags in this stage
    #[arg(long)]
    stage: Option<Stage>,
    /// Form of the report
    #[arg(long, default_value = "table")]
    format: Format,
    /// End with exit code 1 if the report has a flag with this verdict; may be given several times
    #[arg(long, value_name = "VERDICT")]
    fail_on: Vec<Verdict>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Verdict {
    Keep,
    Decide,
    RemoveCode,
    Drain,
    Archive,
    Delete,
    Blocked,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Stage {
    New,
    Developing,
    Ramping,
    Launched,
    Inactive,
    Draining,
    Permanent,
    Archived,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Markdown,
}

impl Stale {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let report = console.api.send(self.call(console, "json"))?;
        let value = report.value()?;
        match self.format {
            Format::Csv | Format::Markdown => {
                let text = console.api.send(self.call(console, &word(&self.format)))?.text;
                console.terminal.raw(&text)?;
            }
            Format::Table | Format::Json => {
                console.json |= self.format == Format::Json;
                console.answer(&report, show)?;
            }
        }
        Ok(if self.is_finding(&value) { Outcome::Finding } else { Outcome::Done })
    }

    fn call(&self, console: &Console<'_>, format: &str) -> Call {
        Call::get(console.api.in_project(&["reports", "stale"]))
            .query("format", Some(format))
            .query("verdict", self.verdict.as_ref().map(word).as_deref())
            .query("owner", self.owner.as_deref())
            .query("stage", self.stage.as_ref().map(word).as_deref())
    }

    fn is_finding(&self, report: &Value) -> bool {
        let unwanted: Vec<String> = self.fail_on.iter().map(word).collect();
        flags(report).iter().any(|flag| unwanted.contains(&text(flag, "verdict")))
    }
}

fn flags(report: &Value) -> &[Value] {
    let flags = list(report, "flags");
    if flags.is_empty() { list(report, "items") } else { flags }
}

fn show(report: &Value, terminal: &mut Terminal) -> io::Result<()> {
    if flags(report).is_empty() {
        return terminal.line("No flags to report.");
    }
    let headings = ["flag", "verdict", "sure", "stage", "owner", "reasons", "blockers", "survivor", "next"];
    let mut table = Table::new(headings);
    for flag in flags(report) {
        table.row([
            Cell::new(text(flag, "flag"), Tone::Strong),
            verdict(flag),
            sure(flag).into(),
            text_or_dash(flag, "stage").into(),
            text_or_dash(flag, "owner").into(),
            codes(flag, "reasons").into(),
            codes(flag, "blockers").into(),
            text_or_dash(flag, "surviving_variant").into(),
            text_or_dash(flag, "next").into(),
        ]);
    }
    terminal.table(table)
}

fn verdict(flag: &Value) -> Cell {
    let verdict = text(flag, "verdict");
    let tone = match verdict.as_str() {
        "keep" => Tone::Quiet,
        "remove-code" | "archive" | "delete" => Tone::Good,
        "decide" | "drain" => Tone::Partly,
        _ => Tone::Plain,
    };
    Cell::new(verdict, tone)
}

/// The confidence as the sum it is: `80 = 100 - 20`.
fn sure(flag: &Value) -> String {
    let Some(confidence) = flag.get("confidence") else { return "–".to_owned() };
    let total = text(confidence, "total");
    let points: Vec<String> = list(confidence, "sum").iter().map(|points| text(points, "points")).collect();
    if points.len() < 2 {
        return total;
    }
    format!("{total} = {}", points.join(" ").replace(" -", " - "))
}

/// The codes of reasons or blockers, each on a line.
fn codes(flag: &Value, field: &str) -> String {
    let code = |item: &Value| item.as_str().map_or_else(|| text(item, "code"), str::to_owned);
    list(flag, field).iter().map(code).collect::<Vec<_>>().join("\n")
}
