//! `hoist flag show`: who turned it on, then what it is, then how each environment decides.

use std::io;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::api::{Answer, Call};
use crate::environment::{in_order, order};
use crate::failure::Outcome;
use crate::print::{Console, Terminal, Tone};
use crate::settings::show_settings;
use crate::state::state;
use crate::typed::key;
use crate::value::{joined, members, quoted, text, time};

/// Show a flag: its state in each environment and who made it so, then its settings
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist flag show dashboard_v2
  hoist flag show dashboard_v2 --env production --json > settings.json")]
pub(crate) struct Show {
    /// Key of the flag
    #[arg(value_parser = key)]
    key: String,
    /// Only the settings in this environment
    #[arg(long, value_parser = key)]
    env: Option<String>,
}

impl Show {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        match &self.env {
            Some(environment) => self.show_environment(console, environment),
            None => self.show_flag(console),
        }
    }

    fn show_environment(&self, console: &mut Console<'_>, environment: &str) -> Result<Outcome> {
        let answer = self.settings(console, environment)?;
        console.answer(&answer, |settings, terminal| {
            show_states(terminal, &[(environment, settings.clone())])?;
            terminal.line("")?;
            show_settings(terminal, settings)
        })
    }

    fn show_flag(&self, console: &mut Console<'_>) -> Result<Outcome> {
        let answer = console.api.send(Call::get(console.api.in_project(&["flags", &self.key])))?;
        if console.json {
            return console.done(&answer, "");
        }
        let flag = answer.value()?;
        let mut environments = Vec::new();
        if text(&flag, "archived_at").is_empty() {
            let names: Vec<&str> = members(&flag, "environments").map(|(name, _)| name.as_str()).collect();
            for name in in_order(names, &order(&console.api), |name| name) {
                environments.push((name, self.settings(console, name)?.value()?));
            }
        }
        show(console.terminal, &flag, &environments)?;
        Ok(Outcome::Done)
    }

    fn settings(&self, console: &Console<'_>, environment: &str) -> Result<Answer> {
        console.api.send(Call::get(console.api.in_environment(environment, &["flags", &self.key])))
    }
}

fn show(terminal: &mut Terminal, flag: &Value, environments: &[(&str, Value)]) -> io::Result<()> {
    let archived = time(flag, "archived_at");
    if !archived.is_empty() {
        terminal.line(&format!("archived by {} {archived} UTC", text(flag, "archived_by")))?;
    }
    show_states(terminal, environments)?;
    terminal.line("")?;
    terminal.facts(&facts(flag))?;
    for (name, settings) in environments {
        terminal.line("")?;
        terminal.line(&terminal.tint(Tone::Strong, name))?;
        show_settings(terminal, settings)?;
    }
    Ok(())
}

/// `production   25 %   by user:ada  2026-11-23 14:03:05 UTC`, one line for each environment.
fn show_states(terminal: &mut Terminal, environments: &[(&str, Value)]) -> io::Result<()> {
    let longest = |length: fn(&(&str, Value)) -> usize| environments.iter().map(length).max().unwrap_or(0);
    let names = longest(|(name, _)| name.chars().count());
    let states = longest(|(_, settings)| state(settings).text().chars().count());
    for (name, settings) in environments {
        let state = state(settings);
        let state = terminal.tint(state.tone(), &format!("{:states$}", state.text()));
        let by = match text(settings, "changed_by") {
            by if by.is_empty() => by,
            by => format!("  by {by}"),
        };
        let at = match time(settings, "changed_at") {
            at if at.is_empty() => at,
            at => format!("  {at} UTC"),
        };
        terminal.line(format!("{name:names$}  {state}{by}{at}").trim_end())?;
    }
    Ok(())
}

fn facts(flag: &Value) -> [(&'static str, String); 10] {
    let variants: Vec<String> =
        members(flag, "variants").map(|(key, value)| format!("{key} = {}", quoted(value))).collect();
    let created = match text(flag, "created_by") {
        by if by.is_empty() => time(flag, "created_at"),
        by => format!("{} by {by}", time(flag, "created_at")),
    };
    [
        ("key", text(flag, "key")),
        ("name", text(flag, "name")),
        ("description", text(flag, "description")),
        ("type", text(flag, "type")),
        ("variants", variants.join(", ")),
        ("purpose", text(flag, "purpose")),
        ("owner", text(flag, "owner")),
        ("tags", joined(flag, "tags")),
        ("expires", time(flag, "expires_at")),
        ("created", created),
    ]
}
