//! `hoist segment …`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::api::Call;
use crate::args::{Because, Limited};
use crate::failure::{Failure, Outcome, hinted};
use crate::print::{Console, Tone};
use crate::settings::condition;
use crate::table::{Cell, Table};
use crate::transfer::{read, unversioned, version_in};
use crate::typed::key;
use crate::value::{count, list, text, time};

/// What can be done with segments.
#[derive(Debug, Subcommand)]
pub(crate) enum Segment {
    /// List the segments
    #[command(after_help = "Example:\n  hoist segment list")]
    List(Limited),
    /// Show one segment
    #[command(after_help = "Example:\n  hoist segment show nordics --json > nordics.json")]
    Show {
        /// Key of the segment
        #[arg(value_parser = key)]
        key: String,
    },
    Put(Put),
    /// Delete a segment that no rule uses
    #[command(after_help = "Example:\n  hoist segment delete nordics")]
    Delete {
        /// Key of the segment
        #[arg(value_parser = key)]
        key: String,
        #[command(flatten)]
        because: Because,
    },
}

/// Create a segment from a file, or replace it
#[derive(Debug, Args)]
#[command(after_help = "Example:
  cat > nordics.json <<'END'
  { \"conditions\": [{ \"attribute\": \"country\", \"operator\": \"in\", \"values\": [\"NO\", \"SE\"] }],
    \"included\": [\"user-7\"] }
  END
  hoist segment put nordics --file nordics.json --reason \"open in the north\"")]
pub(crate) struct Put {
    /// Key of the segment
    #[arg(value_parser = key)]
    key: String,
    /// Conditions, included and excluded keys as JSON; - reads standard input
    #[arg(long, value_name = "FILE")]
    file: String,
    #[command(flatten)]
    because: Because,
}

impl Segment {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        match self {
            Segment::List(Limited { limit }) => list_segments(console, limit),
            Segment::Show { key } => show(console, &key),
            Segment::Put(put) => put.run(console),
            Segment::Delete { key, because } => {
                let call = Call::delete(console.api.in_project(&["segments", &key]))
                    .because(because.reason.as_deref());
                let answer = console.api.send(call)?;
                console.done(&answer, &format!("Deleted segment {key}."))
            }
        }
    }
}

impl Put {
    /// Replaces the segment, if it still is at the version that the file names; creates it if there is none.
    fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let body = read(&self.file)?;
        let (key, reason) = (&self.key, self.because.reason.as_deref());
        let mut call =
            Call::put(console.api.in_project(&["segments", key])).text(body.clone()).because(reason);
        if let Some(version) = version_in(&body) {
            call = call.if_match(&version);
        }
        let hint = format!("Read the segment again: hoist segment show {key} --json");
        match console.api.send(call).map_err(|error| hinted(error, 412, hint)) {
            Ok(answer) => console.done(&answer, &format!("Replaced segment {key}.")),
            Err(error) if is_absent(&error) => {
                let mut segment = unversioned(&body)?;
                if let Some(fields) = segment.as_object_mut() {
                    fields.insert("key".to_owned(), key.as_str().into());
                }
                let call = Call::post(console.api.in_project(&["segments"])).body(&segment).because(reason);
                let answer = console.api.send(call)?;
                console.done(&answer, &format!("Created segment {key}."))
            }
            Err(error) => Err(error),
        }
    }
}

fn is_absent(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Failure::Refused(problem)) if problem.code == 404)
}

fn list_segments(console: &mut Console<'_>, limit: Option<u32>) -> Result<Outcome> {
    let answer = console.api.list(&console.api.in_project(&["segments"]), limit)?;
    console.answer(&answer, |segments, terminal| {
        if list(segments, "items").is_empty() {
            return terminal.line("No segments.");
        }
        let mut table = Table::new(["key", "conditions", "included", "excluded", "changed (UTC)", "by"]);
        for segment in list(segments, "items") {
            let number = |field: &str| Cell::from(list(segment, field).len().to_string());
            table.row([
                Cell::new(text(segment, "key"), Tone::Strong),
                number("conditions"),
                number("included"),
                number("excluded"),
                time(segment, "changed_at").into(),
                text(segment, "changed_by").into(),
            ]);
        }
        terminal.table(table)
    })
}

fn show(console: &mut Console<'_>, key: &str) -> Result<Outcome> {
    let answer = console.api.send(Call::get(console.api.in_project(&["segments", key])))?;
    console.answer(&answer, |segment, terminal| {
        let conditions: Vec<String> = list(segment, "conditions").iter().map(condition).collect();
        terminal.facts(&[
            ("key", text(segment, "key")),
            ("name", text(segment, "name")),
            ("description", text(segment, "description")),
            ("conditions", conditions.join(" and ")),
            ("included", keys(segment, "included")),
            ("excluded", keys(segment, "excluded")),
            ("version", text(segment, "version")),
            ("changed", format!("{} by {}", time(segment, "changed_at"), text(segment, "changed_by"))),
        ])
    })
}

/// A few keys, and how many there are in all.
fn keys(segment: &Value, field: &str) -> String {
    const SHOWN: usize = 10;
    let keys = list(segment, field);
    let shown: Vec<&str> = keys.iter().take(SHOWN).filter_map(Value::as_str).collect();
    match keys.len() {
        0 => String::new(),
        number if number <= SHOWN => shown.join(", "),
        number => format!("{}, … ({})", shown.join(", "), count(number, "key")),
    }
}
