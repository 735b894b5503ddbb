//! `hoist export --everything` and `hoist import --everything`: a whole database as one file, without any server.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use hoist_server::moving::{self, Moved};

use crate::failure::{Failure, Outcome};
use crate::print::Terminal;
use crate::server::settings;
use crate::value::count;

/// Writes everything to a file that only its owner reads, or to standard output.
pub(crate) fn export(output: Option<&Path>, terminal: &mut Terminal) -> Result<Outcome> {
    let (settings, runtime) = (settings(None)?, runtime()?);
    let Some(file) = output else {
        runtime.block_on(moving::export(&settings, BufWriter::new(io::stdout().lock())))?;
        return Ok(Outcome::Done);
    };
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file);
    let open = open.with_context(|| format!("cannot write {}", file.display()))?;
    let moved = runtime.block_on(moving::export(&settings, BufWriter::new(&open)))?;
    // What was reported as written is there after a loss of power.
    open.sync_all()?;
    terminal.line(&format!("Wrote {} to {}.", told(&moved), file.display()))?;
    Ok(Outcome::Done)
}

/// Fills an empty database from a file, or standard input for `-`. A project's audit that does not hold is a finding:
/// it did not hold where it came from either.
pub(crate) fn import(file: &str, terminal: &mut Terminal) -> Result<Outcome> {
    let (settings, runtime) = (settings(None)?, runtime()?);
    let from: Box<dyn BufRead> = if file == "-" {
        Box::new(io::stdin().lock())
    } else {
        let open =
            File::open(file).map_err(|error| Failure::Usage(format!("cannot read {file}: {error}")))?;
        Box::new(BufReader::new(open))
    };
    let moved = runtime.block_on(moving::import(&settings, from))?;
    terminal.line(&format!("Imported {}.", told(&moved)))?;
    let mut outcome = Outcome::Done;
    for audit in &moved.audits {
        let project = &audit.project;
        if audit.valid {
            terminal.line(&format!("The audit of project {project} holds: {} entries.", audit.entries))?;
            continue;
        }
        let (entry, detail) = (audit.sequence.unwrap_or(0), audit.detail.as_deref().unwrap_or_default());
        terminal
            .line(&format!("The audit of project {project} does not hold at entry {entry}: {detail}."))?;
        outcome = Outcome::Finding;
    }
    Ok(outcome)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// What there was of each table that had anything.
fn told(moved: &Moved) -> String {
    let all = moved.rows.iter().filter(|(_, rows)| *rows > 0);
    let all: Vec<String> = all.map(|(table, rows)| format!("{rows} of {table}")).collect();
    let rows: u64 = moved.rows.iter().map(|(_, rows)| rows).sum();
    let sum = count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    if all.is_empty() { sum } else { format!("{sum} ({})", all.join(", ")) }
}
