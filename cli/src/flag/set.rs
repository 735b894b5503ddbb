//! `hoist flag set`: replaces a flag's settings in one environment by those in a file.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::api::Call;
use crate::args::{Because, InEnvironment};
use crate::failure::{Failure, Outcome};
use crate::print::Console;
use crate::state::state;
use crate::transfer::read;
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
    /// The version that is replaced, if the file does not say
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    #[command(flatten)]
    environment: InEnvironment,
    #[command(flatten)]
    because: Because,
}

impl Set {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let settings = read(&self.file)?;
        let path = console.api.in_environment(&self.environment.env, &["flags", &self.key]);
        let version = match self.version.map(|version| version.to_string()).or_else(|| version_in(&settings))
        {
            Some(version) => version,
            None => text(&console.api.send(Call::get(path.clone()))?.value()?, "version"),
        };
        let call = Call::put(path).text(settings).if_match(&version).because(self.because.reason.as_deref());
        let answer = console.api.send(call).map_err(|error| self.explained(error))?;
        let Self { key, environment, .. } = self;
        console.answer(&answer, |settings, terminal| {
            let state = state(settings);
            let state = terminal.tint(state.tone(), state.text());
            let revision = text(settings, "revision");
            terminal.line(&format!("{key} in {}: {state}   revision {revision}", environment.env))
        })
    }

    /// Tells somebody who edited old settings how to get the new ones.
    fn explained(&self, mut error: anyhow::Error) -> anyhow::Error {
        if let Some(Failure::Refused(problem)) = error.downcast_mut::<Failure>()
            && problem.code == 412
        {
            let (key, env) = (&self.key, &self.environment.env);
            problem.hint = Some(format!("Read the settings again: hoist flag show {key} --env {env} --json"));
        }
        error
    }
}

/// The version that a file of settings names. A file that is no JSON names none; the server will say what is wrong.
fn version_in(settings: &str) -> Option<String> {
    let settings: Value = serde_json::from_str(settings).ok()?;
    settings.get("version").and_then(Value::as_u64).map(|version| version.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, expected: Option<&str>) {
        assert_eq!(version_in(file).as_deref(), expected, "{file}");
    }

    #[test]
    fn the_version_is_read_from_the_file() {
        check(r#"{"enabled":true,"version":7}"#, Some("7"));
        check(r#"{"enabled":true}"#, None);
        check("{", None);
    }
}
