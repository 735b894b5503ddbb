//! `hoist audit` and `hoist audit verify`.

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};

use crate::api::Call;
use crate::args::Limited;
use crate::failure::Outcome;
use crate::flag::word;
use crate::history::show_entries;
use crate::pages::gather_lines;
use crate::print::{Console, Tone};
use crate::typed::{key, time};
use crate::value::{is_true, list, text};

/// Show who did what, by which way and why, newest first; or verify that nothing was edited
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  hoist audit --env production --since 2026-11-01
  hoist audit --actor token:deploy --action settings.rollout
  hoist audit --format csv > audit.csv
  hoist audit verify"
)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Option<AuditCommand>,
    #[command(flatten)]
    filters: Filters,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Follow the chain of hashes; an edit or a gap ends with exit code 1
    #[command(after_help = "Example:\n  hoist audit verify --project shop")]
    Verify,
}

/// Which entries are wanted, and how.
#[derive(Debug, Args)]
struct Filters {
    /// Only about this flag
    #[arg(long, value_parser = key)]
    flag: Option<String>,
    /// Only in this environment
    #[arg(long, value_parser = key)]
    env: Option<String>,
    /// Only by this actor, such as token:deploy or user:ada
    #[arg(long)]
    actor: Option<String>,
    /// Only this action, such as settings.rollout
    #[arg(long)]
    action: Option<String>,
    /// Not before this date or time (UTC)
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<String>,
    /// Before this date or time (UTC)
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<String>,
    /// Form of the answer
    #[arg(long, default_value = "table")]
    format: Format,
    #[command(flatten)]
    limited: Limited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Ndjson,
    Csv,
}

impl Audit {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        match self.command {
            Some(AuditCommand::Verify) => verify(console),
            None => self.filters.run(console),
        }
    }
}

impl Filters {
    fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let call = Call::get("/audit".to_owned())
            .query("project", Some(&console.api.project))
            .query("flag", self.flag.as_deref())
            .query("environment", self.env.as_deref())
            .query("actor", self.actor.as_deref())
            .query("action", self.action.as_deref())
            .query("since", self.since.as_deref())
            .query("until", self.until.as_deref());
        if let Format::Ndjson | Format::Csv = self.format {
            let path = call.query("format", Some(&word(&self.format))).path;
            let text = gather_lines(self.limited.limit, self.format == Format::Csv, |size, cursor| {
                let call = Call::get(path.clone()).query("limit", Some(&size.to_string()));
                console.api.send(call.query("cursor", cursor))
            })?;
            console.terminal.raw(&text)?;
            return Ok(Outcome::Done);
        }
        console.json |= self.format == Format::Json;
        let answer = console.api.list(&call.path, self.limited.limit)?;
        console.answer(&answer, |entries, terminal| show_entries(terminal, list(entries, "items"), true))
    }
}

fn verify(console: &mut Console<'_>) -> Result<Outcome> {
    let call = Call::get("/audit/verify".to_owned()).query("project", Some(&console.api.project));
    let answer = console.api.send(call)?;
    let valid = is_true(&answer.value()?, "valid");
    console.answer(&answer, |verification, terminal| {
        let (project, entries) = (text(verification, "project"), text(verification, "entries"));
        if valid {
            let verdict = terminal.tint(Tone::Good, "unbroken");
            return terminal
                .line(&format!("The audit of project {project} is {verdict}: {entries} entries."));
        }
        let (verdict, sequence) = (terminal.tint(Tone::Bad, "broken"), text(verification, "sequence"));
        let detail = text(verification, "detail");
        terminal.line(&format!("The audit of project {project} is {verdict} at entry {sequence}: {detail}"))
    })?;
    Ok(if valid { Outcome::Done } else { Outcome::Finding })
}
