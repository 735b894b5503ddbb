//! `hoist flag list`: every flag with its state in each environment.

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::create::{Purpose, word};
use crate::api::Call;
use crate::args::Limited;
use crate::environment::{in_order, order};
use crate::failure::Outcome;
use crate::print::{Console, Tone};
use crate::state::state;
use crate::table::{Cell, Table};
use crate::value::{list, members, text, text_or_dash};

/// List flags with their state in each environment
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hoist flag list\n  hoist flag list --owner web-team --state partial")]
pub(crate) struct List {
    /// Part of the key, the name or the description
    #[arg(value_name = "TEXT")]
    q: Option<String>,
    /// Only those with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only those of this owner
    #[arg(long)]
    owner: Option<String>,
    /// Only those for this purpose
    #[arg(long)]
    purpose: Option<Purpose>,
    /// Only those in this state
    #[arg(long)]
    state: Option<State>,
    /// The archived ones instead
    #[arg(long)]
    archived: bool,
    #[command(flatten)]
    limited: Limited,
}

/// The state of a flag over all environments.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    On,
    Off,
    Partial,
}

impl List {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let path = Call::get(console.api.in_project(&["flags"]))
            .query("q", self.q.as_deref())
            .query("tag", self.tag.as_deref())
            .query("owner", self.owner.as_deref())
            .query("purpose", self.purpose.as_ref().map(word).as_deref())
            .query("state", self.state.as_ref().map(word).as_deref())
            .query("archived", self.archived.then_some("true"))
            .path;
        let answer = console.api.list(&path, self.limited.limit)?;
        let order = if console.json { Vec::new() } else { order(&console.api) };
        console.answer(&answer, |flags, terminal| {
            if list(flags, "items").is_empty() {
                return terminal.line("No flags.");
            }
            terminal.table(table(list(flags, "items"), &order))
        })
    }
}

fn table(flags: &[Value], order: &[String]) -> Table {
    let mut environments: Vec<&str> = Vec::new();
    for name in flags.iter().flat_map(|flag| members(flag, "environments")).map(|(name, _)| name.as_str()) {
        if !environments.contains(&name) {
            environments.push(name);
        }
    }
    let environments = in_order(environments, order, |name| name);
    let headings =
        ["key"].into_iter().chain(environments.iter().copied()).chain(["type", "purpose", "owner"]);
    let mut table = Table::new(headings);
    for flag in flags {
        let states = environments.iter().map(|name| {
            match flag.pointer("/environments").and_then(|all| all.get(name)) {
                Some(settings) => state(settings),
                None => Cell::new("–", Tone::Quiet),
            }
        });
        let about = ["type", "purpose", "owner"].map(|field| Cell::from(text_or_dash(flag, field)));
        table.row([Cell::new(text(flag, "key"), Tone::Strong)].into_iter().chain(states).chain(about));
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_environment_has_a_column_in_the_environments_order() {
        let settings = json!({ "enabled": true, "rollout": 10, "rules": 0 });
        let flag = json!({ "key": "dashboard_v2", "type": "boolean", "purpose": "release", "owner": "web",
            "environments": { "production": { "enabled": false }, "staging": settings } });
        let old = json!({ "key": "old", "environments": { "preview": settings } });
        let order = ["staging".to_owned(), "production".to_owned()];
        let text = table(&[flag, old], &order).render(false);
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split("  ").filter(|w| !w.is_empty()).map(str::trim).collect())
            .collect();
        assert_eq!(lines[0], ["KEY", "STAGING", "PRODUCTION", "PREVIEW", "TYPE", "PURPOSE", "OWNER"]);
        assert_eq!(lines[1], ["dashboard_v2", "10 %", "off", "–", "boolean", "release", "web"]);
        assert_eq!(lines[2], ["old", "–", "–", "10 %", "–", "–", "–"]);
    }
}
