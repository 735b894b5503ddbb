//! `hoist kill`: off, now.

use anyhow::Result;
use clap::Args;

use crate::api::Call;
use crate::args::{Because, InEnvironment};
use crate::failure::Outcome;
use crate::print::Console;
use crate::state::state;
use crate::typed::key;
use crate::value::{object, text};

/// Turn a flag off at once; this never needs an approval
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hoist kill dashboard_v2 --env production --reason \"checkout fails\"")]
pub(crate) struct Kill {
    /// Key of the flag
    #[arg(value_parser = key)]
    key: String,
    #[command(flatten)]
    environment: InEnvironment,
    #[command(flatten)]
    because: Because,
}

impl Kill {
    /// Sends the one call that counts and nothing before it: seconds matter, and nothing else may stand in the way.
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let environment = &self.environment.env;
        let path = console.api.in_environment(environment, &["flags", &self.key, "kill"]);
        let body = object([("reason", self.because.reason.map(Into::into))]);
        let answer = console.api.send(Call::post(path).body(&body))?;
        console.answer(&answer, |after, terminal| {
            let state = state(after);
            let state = terminal.tint(state.tone(), state.text());
            terminal.line(&format!(
                "{} in {environment}: {state}   revision {}",
                self.key,
                text(after, "revision")
            ))
        })
    }
}
