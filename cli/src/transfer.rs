//! `hoist export` and `hoist import`: a project as one readable file. Also how any file is read.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use crate::api::Call;
use crate::args::Because;
use crate::failure::{Failure, Outcome, hinted};
use crate::print::Console;
use crate::value::{count, list};

/// Write a project as one readable JSON file, or everything that the server keeps as one file
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hoist export --output default.json\n  hoist export --project shop | less\n  \
    hoist migrate up && hoist export --everything --output all.ndjson"
)]
pub(crate) struct Export {
    /// Where to write; standard output when absent
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The whole database behind `HOIST_DATABASE_URL`, with history, audit and the hashes of tokens, to move it
    #[arg(long)]
    pub(crate) everything: bool,
}

/// Create or update what a file written by `hoist export` says: all of it or nothing
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hoist import default.json --project copy --reason \"from the old server\"\n  \
    HOIST_DATA_DIR=elsewhere hoist import --everything all.ndjson"
)]
pub(crate) struct Import {
    /// The file; - reads standard input
    pub(crate) file: String,
    /// Fill the empty database behind `HOIST_DATABASE_URL` from a file written with --everything
    #[arg(long, conflicts_with = "reason")]
    pub(crate) everything: bool,
    #[command(flatten)]
    because: Because,
}

impl Export {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let answer = console.api.send(Call::get(console.api.in_project(&["export"])))?;
        let project = answer.value()?;
        // Lines of their own, so that two exports can be compared line by line.
        let text = if console.json { answer.text } else { serde_json::to_string_pretty(&project)? + "\n" };
        let Some(file) = self.output else {
            console.terminal.raw(&text)?;
            return Ok(Outcome::Done);
        };
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        let number = |field: &str, noun: &str| count(list(&project, field).len(), noun);
        let summary =
            [number("environments", "environment"), number("segments", "segment"), number("flags", "flag")];
        console.terminal.line(&format!("Wrote {} to {}.", summary.join(", "), file.display()))?;
        Ok(Outcome::Done)
    }
}

impl Import {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let call = Call::post(console.api.in_project(&["import"])).text(read(&self.file)?);
        let project = &console.api.project;
        let hint = format!("Is there no such project? Make it first: hoist project create {project}");
        let answer = console.api.send(call.because(self.because.reason.as_deref()));
        let answer = answer.map_err(|error| hinted(error, 404, hint))?;
        let (file, project) = (self.file, console.api.project.clone());
        console.answer(&answer, |imported, terminal| {
            terminal.line(&format!("Imported {file} into project {project}: {}.", counts(imported)))
        })
    }
}

/// What an import did, of what it did anything: `2 flags created, 1 segment updated`.
fn counts(imported: &Value) -> String {
    let counts = imported.as_object().into_iter().flatten().filter_map(|(name, number)| {
        let (noun, done) = name.rsplit_once('_')?;
        match number.as_u64()? {
            0 => None,
            1 => Some(format!(
                "1 {} {done}",
                noun.strip_suffix('s').filter(|noun| *noun != "setting").unwrap_or(noun)
            )),
            number => Some(format!("{number} {noun} {done}")),
        }
    });
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() { "nothing differs".to_owned() } else { counts.join(", ") }
}

/// Reads a file that was named on the command line, or standard input for `-`.
pub(crate) fn read(file: &str) -> Result<String> {
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin().read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|mut open| open.read_to_string(&mut text))
    };
    read.map_err(|error| Failure::Usage(format!("cannot read {file}: {error}")))?;
    Ok(text)
}

/// The version that a file of settings or of a segment names. A file that is no JSON names none; the server will say
/// what is wrong with it.
pub(crate) fn version_in(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.get("version").and_then(Value::as_u64).map(|version| version.to_string())
}

/// The text without the fields that the server wrote into it when it was read, for use elsewhere.
pub(crate) fn unversioned(text: &str) -> Result<Value, Failure> {
    let mut value: Value = serde_json::from_str(text)
        .map_err(|error| Failure::Usage(format!("the file is not JSON: {error}")))?;
    if let Some(fields) = value.as_object_mut() {
        for name in ["version", "revision", "changed_at", "changed_by"] {
            fields.shift_remove(name);
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(file: &str, version: Option<&str>, rest: Option<&Value>) {
        assert_eq!(version_in(file).as_deref(), version, "{file}");
        assert_eq!(unversioned(file).ok().as_ref(), rest, "{file}");
    }

    #[test]
    fn an_import_tells_what_it_did() {
        let imported =
            json!({ "flags_created": 2, "segments_updated": 1, "settings_updated": 1, "flags_updated": 0 });
        assert_eq!(counts(&imported), "2 flags created, 1 segment updated, 1 settings updated");
        assert_eq!(counts(&json!({ "flags_created": 0 })), "nothing differs");
    }

    #[test]
    fn the_version_is_read_from_the_file_and_can_be_left_out() {
        check(
            r#"{"enabled":true,"version":7,"changed_by":"x"}"#,
            Some("7"),
            Some(&json!({ "enabled": true })),
        );
        check(r#"{"enabled":true}"#, None, Some(&json!({ "enabled": true })));
        check("{", None, None);
    }
}
