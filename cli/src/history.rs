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
use crate::value::{brief, list, text, time};

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
    let mut table = Table::new(["when (UTC)", "by", "done"]);
    for entry in entries {
        let by = format!("{}\nvia {}", text(entry, "actor"), text(entry, "via"));
        table.row([time(entry, "at").into(), by.into(), done(entry, with_target)]);
    }
    terminal.table(table)
}

/// What was done, where, what changed by it, and why: a line each.
fn done(entry: &Value, with_target: bool) -> Cell {
    let action = text(entry, "action");
    let target = if with_target { format!(" {}", target(entry)) } else { String::new() };
    let place = match text(entry, "environment") {
        environment if environment.is_empty() => environment,
        environment => format!(" in {environment}"),
    };
    let revision = match text(entry, "revision") {
        revision if revision.is_empty() => revision,
        revision => format!(", revision {revision}"),
    };
    let mut lines = vec![format!("{action}{target}{place}{revision}")];
    lines.extend(changes(entry));
    lines.extend(Some(text(entry, "reason")).filter(|reason| !reason.is_empty()).map(|r| format!("“{r}”")));
    let tone = if action == "settings.killed" { Tone::Bad } else { Tone::Plain };
    Cell::new(lines.join("\n"), tone)
}

fn target(entry: &Value) -> String {
    match (text(entry, "flag"), entry.get("target")) {
        (flag, _) if !flag.is_empty() => flag,
        (_, Some(target)) => text(target, "key"),
        _ => String::new(),
    }
}

/// Each changed field on a line of its own.
fn changes(entry: &Value) -> Vec<String> {
    let lines = list(entry, "changes").iter().map(|change| {
        let side = |name: &str| cut(&change.get(name).map_or_else(|| "–".to_owned(), side));
        let field = text(change, "field");
        // A thing that was made or deleted as a whole is told by what was done; --json has all of it.
        let told = !field.is_empty();
        told.then(|| format!("{}: {} → {}", field.trim_start_matches('/'), side("before"), side("after")))
    });
    lines.flatten().collect()
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
        assert_eq!(changes(&entry), ["default/rollout: 10 → 50", "rules/0: – → {\"serve\":\"on\"}"]);
    }

    #[test]
    fn a_long_side_is_cut() {
        let entry =
            json!({ "changes": [{ "field": "/description", "before": "", "after": "ä".repeat(200) }] });
        assert_eq!(changes(&entry), [format!("description:  → {}…", "ä".repeat(SHOWN))]);
    }

    #[test]
    fn an_entry_tells_what_where_and_why() {
        let entry = json!({ "action": "settings.rollout", "flag": "dashboard_v2", "environment": "production",
            "revision": 42, "reason": "looks good", "target": { "kind": "settings", "key": "dashboard_v2" },
            "changes": [{ "field": "/default/rollout", "before": 10, "after": 50 }] });
        let expected = "settings.rollout dashboard_v2 in production, revision 42\ndefault/rollout: 10 → 50\n“looks good”";
        assert_eq!(done(&entry, true).text(), expected);
        assert!(done(&entry, false).text().starts_with("settings.rollout in production"));
        let of_segment =
            json!({ "action": "segment.created", "target": { "kind": "segment", "key": "nordics" } });
        assert_eq!(done(&of_segment, true).text(), "segment.created nordics");
    }
}
