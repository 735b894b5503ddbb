//! `hoist serve`, `hoist migrate` and `hoist check-config`: the only commands that are the server, not its client.

use std::io;
use std::net::SocketAddr;

use anyhow::Result;
use clap::Subcommand;
use hoist_server::settings::{DEVELOPMENT_API_TOKEN, DEVELOPMENT_SDK_KEY, LogFormat, Mode};
use hoist_server::telemetry::log_line;
use hoist_server::{MigrationState, Settings};

use crate::failure::{self, Failure, Outcome};
use crate::print::{Terminal, Tone};
use crate::table::{Cell, Table};

/// Where to bring the database's tables.
#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Apply every migration that is missing, or those up to a version
    #[command(after_help = "Example:\n  hoist migrate up\n  hoist migrate up --to 3")]
    Up {
        /// The version to stop at
        #[arg(long, value_name = "VERSION", value_parser = hoist_server::migrate::version)]
        to: Option<i64>,
    },
    /// Take migrations back, down to a version, with what is in their tables
    #[command(after_help = "Example:\n  hoist migrate down --to 3")]
    Down {
        /// The version that is the newest afterwards; 0 takes all back
        #[arg(long, value_name = "VERSION", value_parser = hoist_server::migrate::version)]
        to: i64,
    },
    /// Say which migrations are applied
    #[command(after_help = "Example:\n  hoist migrate status")]
    Status,
}

/// Runs the server until it is told to stop. Where log lines are JSON objects, so is all that it says.
pub(crate) fn serve(terminal: &mut Terminal, upstream: Option<String>, migrate: bool) -> Result<Outcome> {
    let format = LogFormat::wished(variables());
    let served = serve_as(format, terminal, upstream, migrate);
    served.map_err(|error| if format == LogFormat::Json { failure::told_as_json(&error) } else { error })
}

fn serve_as(
    format: LogFormat,
    terminal: &mut Terminal,
    upstream: Option<String>,
    migrate: bool,
) -> Result<Outcome> {
    let upstream = upstream.map(|url| ("HOIST_UPSTREAM_URL".to_owned(), url));
    let mut settings = settings(upstream)?;
    settings.migrate |= migrate;
    let (development, upstream) = (settings.mode == Mode::Development, settings.upstream.clone());
    hoist_server::run(settings, |address| {
        let edge = upstream.as_ref().map(|upstream| format!(", an edge of {}", upstream.url));
        let greeting = format!("Hoist serves at http://{address}{}", edge.unwrap_or_default());
        // A server whose greeting nobody reads still serves.
        drop(match format {
            LogFormat::Json => say(terminal, &log_line("INFO", &greeting)),
            LogFormat::Text if development && upstream.is_none() => welcome(terminal, address),
            LogFormat::Text => say(terminal, &greeting),
        });
    })?;
    Ok(Outcome::Done)
}

fn say(terminal: &mut Terminal, line: &str) -> io::Result<()> {
    terminal.line(line)?;
    terminal.flush()
}

/// Says where the server is, how to speak to it without any set-up, and what to type next.
fn welcome(terminal: &mut Terminal, address: SocketAddr) -> io::Result<()> {
    let strong = |text: &str, terminal: &Terminal| terminal.tint(Tone::Strong, text);
    let url = format!("http://{address}");
    terminal.line(&format!("Hoist serves at {}", strong(&url, terminal)))?;
    terminal.line("")?;
    terminal.facts(&[
        ("  Dashboard", format!("{url}/")),
        ("  API reference", format!("{url}/docs")),
        ("  API token", format!("{DEVELOPMENT_API_TOKEN} (administrator)")),
        ("  SDK key", format!("{DEVELOPMENT_SDK_KEY} (project default, environment development)")),
    ])?;
    terminal.line("")?;
    terminal.line("Development mode: these tokens are known to everybody and work on this machine only.")?;
    terminal.line("Try it in another terminal:")?;
    terminal.line("")?;
    for line in next_commands(address) {
        terminal.line(&format!("  {}", strong(&line, terminal)))?;
    }
    terminal.line("")?;
    terminal.flush()
}

/// What to type next, in the manner in which this was started: through cargo or not.
fn next_commands(address: SocketAddr) -> [String; 2] {
    let url = match address.to_string().as_str() {
        "127.0.0.1:8080" => String::new(),
        other => format!("HOIST_URL=http://{other} "),
    };
    let rollout = "rollout dashboard_v2 50 --reason \"looks good\"";
    if std::env::var_os("CARGO").is_some() {
        [format!("{url}cargo run --example quickstart"), format!("{url}cargo run -- {rollout}")]
    } else {
        [format!("{url}hoist flag create dashboard_v2 --owner me"), format!("{url}hoist {rollout}")]
    }
}

/// Says whether `serve` would accept the settings.
pub(crate) fn check_config(terminal: &mut Terminal) -> Result<Outcome> {
    match Settings::from_env(variables()) {
        Ok(_) => {
            terminal.line("The settings are right.")?;
            Ok(Outcome::Done)
        }
        Err(problems) => {
            terminal.line(&problems.to_string())?;
            Ok(Outcome::Finding)
        }
    }
}

/// Reads the settings; what was typed goes before what the environment says.
pub(crate) fn settings(typed: Option<(String, String)>) -> Result<Settings> {
    Settings::from_env(variables().chain(typed))
        .map_err(|problems| Failure::Usage(problems.to_string()).into())
}

/// The environment; a value that is not Unicode is shown as far as it is, for the server to refuse.
fn variables() -> impl Iterator<Item = (String, String)> {
    let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    };
    std::env::vars_os().filter_map(readable)
}

/// Brings the tables up or down, or says where they are; shows the migrations as they are then.
pub(crate) fn migrate(command: &Migrate, terminal: &mut Terminal) -> Result<Outcome> {
    let settings = settings(None)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (before, migrations) = runtime.block_on(async {
        let before = hoist_server::migrate::status(&settings).await?;
        let after = match command {
            Migrate::Up { to } => hoist_server::migrate::up(&settings, *to).await?,
            Migrate::Down { to } => hoist_server::migrate::down(&settings, *to).await?,
            Migrate::Status => return Ok((None, before)),
        };
        Ok::<_, hoist_server::StartError>((Some(before), after))
    })?;
    terminal.table(table(&migrations))?;
    if before.is_some_and(|before| before == migrations) {
        terminal.line("There was nothing to do.")?;
    }
    Ok(Outcome::Done)
}

fn table(migrations: &[MigrationState]) -> Table {
    let mut table = Table::new(["version", "name", "state"]);
    for migration in migrations {
        let state = if migration.applied {
            Cell::new("applied", Tone::Good)
        } else {
            Cell::new("missing", Tone::Partly)
        };
        table.row([format!("{:04}", migration.version).into(), migration.name.as_str().into(), state]);
    }
    table
}
