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
use crate::value::{list, percentage, text, text_or_dash};

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
        list(report, "items").iter().any(|flag| unwanted.contains(&text(flag, "verdict")))
    }
}

fn show(report: &Value, terminal: &mut Terminal) -> io::Result<()> {
    if list(report, "items").is_empty() {
        return terminal.line("No flags to report.");
    }
    let mut table = Table::new(["flag", "verdict", "stage", "owner", "why, and what next"]);
    for flag in list(report, "items") {
        table.row([
            Cell::new(text(flag, "flag"), Tone::Strong),
            verdict(flag),
            text_or_dash(flag, "stage").into(),
            text_or_dash(flag, "owner").into(),
            why(flag).into(),
        ]);
    }
    terminal.table(table)?;
    let known = known(report);
    if known.is_empty() {
        Ok(())
    } else {
        terminal.line(&format!("\n{}", terminal.tint(Tone::Quiet, &known)))
    }
}

/// What the report rests on, so that the reader knows what it does not know.
fn known(report: &Value) -> String {
    match report.pointer("/coverage/percent") {
        Some(percent) => {
            format!("{} of the applications in critical environments report.", percentage(percent))
        }
        None => String::new(),
    }
}

/// The verdict over its confidence.
fn verdict(flag: &Value) -> Cell {
    let verdict = text(flag, "verdict");
    let tone = match verdict.as_str() {
        "keep" => Tone::Quiet,
        "remove-code" | "archive" | "delete" => Tone::Good,
        "decide" | "drain" => Tone::Partly,
        _ => Tone::Plain,
    };
    let confidence = flag.get("confidence").map_or_else(String::new, |sum| format!("\n{}", arithmetic(sum)));
    Cell::new(verdict + &confidence, tone)
}

/// The confidence as the sum it is: `80 = 100 - 20`.
fn arithmetic(confidence: &Value) -> String {
    let total = text(confidence, "total");
    let points: Vec<String> = list(confidence, "sum").iter().map(|points| text(points, "points")).collect();
    if points.len() < 2 { total } else { format!("{total} = {}", points.join(" ").replace(" -", " - ")) }
}

/// Reasons, blockers, what would stay, and the next command, a line each.
fn why(flag: &Value) -> String {
    let reasons = list(flag, "reasons").iter().map(note);
    let blockers = list(flag, "blockers").iter().map(|blocker| format!("blocked by {}", note(blocker)));
    let named = |name: &str, field: &str| match text(flag, field) {
        value if value.is_empty() => None,
        value => Some(format!("{name}: {value}")),
    };
    let last = [named("stays", "surviving_variant"), named("next", "next")].into_iter().flatten();
    reasons.chain(blockers).chain(last).collect::<Vec<_>>().join("\n")
}

/// A reason or a blocker with its evidence.
fn note(note: &Value) -> String {
    match (text(note, "code"), text(note, "detail")) {
        (code, detail) if detail.is_empty() => code,
        (code, detail) => format!("{code}: {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_finding_tells_its_reasons_its_blockers_and_the_next_step() {
        let flag = json!({ "flag": "dashboard_v2", "verdict": "blocked", "surviving_variant": "on",
            "confidence": { "total": 90, "sum": [{ "points": 100 }, { "points": -10 }] },
            "reasons": [{ "code": "constant-settings", "detail": "on for 15 days" }],
            "blockers": [{ "code": "scan-missing", "detail": "no scan" }], "next": null });
        assert_eq!(
            why(&flag),
            "constant-settings: on for 15 days\nblocked by scan-missing: no scan\nstays: on"
        );
        assert_eq!(verdict(&flag).text(), "blocked\n90 = 100 - 10");
    }

    fn check(fail_on: Vec<Verdict>, expected: bool) {
        let stale = Stale { verdict: None, owner: None, stage: None, format: Format::Table, fail_on };
        let report = json!({ "items": [{ "verdict": "keep" }, { "verdict": "remove-code" }] });
        assert_eq!(stale.is_finding(&report), expected);
    }

    #[test]
    fn only_the_named_verdicts_are_findings() {
        check(vec![], false);
        check(vec![Verdict::Decide], false);
        check(vec![Verdict::Decide, Verdict::RemoveCode], true);
    }
}
