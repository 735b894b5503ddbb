//! `hoist flag set`: replaces a flag's settings in one environment by those in a file.

use anyhow::Result;
use clap::Args;

use crate::api::Call;
use crate::args::{Because, InEnvironment};
use crate::failure::{Outcome, hinted};
use crate::print::Console;
use crate::state::state;
use crate::transfer::{read, unversioned, version_in};
use crate::typed::key;
use crate::value::text;

/// Replace a flag's settings in one environment by those in a file
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist flag show dashboard_v2 --env staging --json > settings.json
  hoist flag set dashboard_v2 --env staging --file settings.json --reason \"beta testers first\"

The version in the file says which settings were edited: if someone else has changed them since,
nothing is written and the exit code is 4. A file without a version replaces whatever is there.")]
pub(crate) struct Set {
    /// Key of the flag
    #[arg(value_parser = key)]
    key: String,
    /// Settings as JSON; - reads standard input
    #[arg(long, value_name = "FILE")]
    file: String,
    /// Replace whatever is there, also if the file was read from another version or environment
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    environment: InEnvironment,
    #[command(flatten)]
    because: Because,
}

impl Set {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let Self { key, environment, .. } = &self;
        let environment = &environment.env;
        let mut settings = read(&self.file)?;
        if self.force {
            settings = unversioned(&settings)?.to_string();
        }
        let path = console.api.in_environment(environment, &["flags", key]);
        let is_versioned = version_in(&settings).is_some();
        let version = match version_in(&settings) {
            Some(version) => version,
            None => text(&console.api.send(Call::get(path.clone()))?.value()?, "version"),
        };
        let call = Call::put(path).text(settings).if_match(&version).because(self.because.reason.as_deref());
        let hint = format!(
            "Read the settings again with `hoist flag show {key} --env {environment} --json`, or replace \
             whatever is there with --force."
        );
        let other = "If the file was read from another environment, write it here with --force.".to_owned();
        let answer = console.api.send(call).map_err(|error| hinted(error, 412, hint));
        let answer = answer.map_err(|error| if is_versioned { hinted(error, 422, other) } else { error })?;
        console.answer(&answer, |settings, terminal| {
            let state = state(settings);
            let state = terminal.tint(state.tone(), state.text());
            terminal
                .line(&format!("{key} in {environment}: {state}   revision {}", text(settings, "revision")))
        })
    }
}
