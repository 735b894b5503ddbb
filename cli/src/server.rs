//! `hoist serve`, `hoist migrate` and `hoist check-config`: the only commands that are the server, not its client.

use anyhow::Result;
use clap::Subcommand;

use crate::failure::Outcome;
use crate::print::Terminal;

/// Where to bring the database's tables.
#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Apply every migration that is missing
    #[command(after_help = "Example:\n  hoist migrate up")]
    Up,
    /// Take the newest migration back, or all down to a version
    #[command(after_help = "Example:\n  hoist migrate down\n  hoist migrate down --to 3")]
    Down {
        /// The version to stop at
        #[arg(long, value_name = "VERSION")]
        to: Option<i64>,
    },
    /// Say which migrations are applied
    #[command(after_help = "Example:\n  hoist migrate status")]
    Status,
}

/// Runs the server until it is told to stop.
pub(crate) fn serve() -> Result<Outcome> {
    anyhow::bail!("the server is not linked yet")
}

/// Says whether `serve` would accept the settings.
pub(crate) fn check_config(_terminal: &mut Terminal) -> Result<Outcome> {
    anyhow::bail!("the server is not linked yet")
}

/// Brings the tables up or down, or says where they are.
pub(crate) fn migrate(_command: &Migrate, _terminal: &mut Terminal) -> Result<Outcome> {
    anyhow::bail!("the server is not linked yet")
}
