//! `hoist history`, and how an audit entry is shown.

use std::io;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::args::Limited;
use crate::failure::Outcome;
use crate::print::{Console, Terminal, Tone};
use crate::table::{Cell, Table};
use crate::typed::key;
use crate::value::{brief, list, text, text_or_dash, time};

/// The longest side of a change that is shown; --json has all of it.
const SHOWN: usize = 60;

/// Show what was done to a flag, by whom and why, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hoist history dashboard_v2 --limit 10")]
pub(crate) struct History {
    /// Key of the flag
    #[arg(value_parser = key)]
    key: String,
    #[command(flatten)]
    limited: Limited,
}

impl History {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let path = console.api.in_project(&["flags", &self.key, "history"]);
        let answer = console.api.list(&path, self.limited.limit)?;
        console.answer(&answer, |entries, terminal| show_entries(terminal, list(entries, "items"), false))
    }
}

/// Writes audit entries as a table; `with_target` when they are about several things.
pub(crate) fn show_entries(terminal: &mut Terminal, entries: &[Value], with_target: bool) -> io::Result<()> {
    if entries.is_empty() {
        return terminal.line("No entries.");
    }
    let subject = with_target.then_some("what");
    let headings = ["when (UTC)", "env", "revision"].into_iter().chain(subject);
    let mut table = Table::new(headings.chain(["done", "by", "via", "change", "reason"]));
    for entry in entries {
        let first = [Cell::from(time(entry, "at")), text_or_dash(entry, "environment").into()];
        let revision = Cell::from(text_or_dash(entry, "revision"));
        let target = with_target.then(|| Cell::from(target(entry)));
        let last = [
            action(&text(entry, "action")),
            text(entry, "actor").into(),
            Cell::new(text(entry, "via"), Tone::Quiet),
            changes(entry).into(),
            text(entry, "reason").into(),
        ];
        table.row(first.into_iter().chain([revision]).chain(target).chain(last));
    }
    terminal.table(table)
}

fn target(entry: &Value) -> String {
    match (text(entry, "flag"), entry.get("target")) {
        (flag, _) if !flag.is_empty() => flag,
        (_, Some(target)) => format!("{} {}", text(target, "kind"), text(target, "key")),
        _ => "–".to_owned(),
    }
}

fn action(name: &str) -> Cell {
    let tone = if name == "settings.killed" { Tone::Bad } else { Tone::Plain };
    Cell::new(name, tone)
}

/// Each changed field on a line of its own.
fn changes(entry: &Value) -> String {
    let lines = list(entry, "changes").iter().map(|change| {
        let side = |name: &str| cut(&change.get(name).map_or_else(|| "–".to_owned(), side));
        let field = text(change, "field");
        // A thing that was made or deleted as a whole is told by what was done; --json has all of it.
        let told = !field.is_empty();
        told.then(|| format!("{}: {} → {}", field.trim_start_matches('/'), side("before"), side("after")))
    });
    lines.flatten().collect::<Vec<_>>().join("\n")
}

fn side(value: &Value) -> String {
    if value.is_null() { "–".to_owned() } else { brief(value) }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_reads_before_and_after() {
        let entry = json!({ "changes": [
            { "field": "/default/rollout", "before": 10, "after": 50 },
            { "field": "", "before": null, "after": { "key": "a" } },
            { "field": "/rules/0", "before": null, "after": { "serve": "on" } }] });
        assert_eq!(changes(&entry), "default/rollout: 10 → 50\nrules/0: – → {\"serve\":\"on\"}");
    }

    #[test]
    fn a_long_side_is_cut() {
        let entry =
            json!({ "changes": [{ "field": "/description", "before": "", "after": "ä".repeat(200) }] });
        assert_eq!(changes(&entry), format!("description:  → {}…", "ä".repeat(SHOWN)));
    }

    #[test]
    fn an_entry_is_about_its_flag_or_else_its_target() {
        let of_segment = json!({ "target": { "kind": "segment", "key": "nordics" } });
        assert_eq!(target(&of_segment), "segment nordics");
        assert_eq!(
            target(&json!({ "flag": "dashboard_v2", "target": { "kind": "settings" } })),
            "dashboard_v2"
        );
    }
}
