//! `hoist kill`: off, now.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::api::Call;
use crate::args::{Because, InEnvironment};
use crate::failure::Outcome;
use crate::instances::{summary, wait_for};
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
    /// Wait at most so many seconds until every instance has it; the flag is off in any case
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=600))]
    wait: u64,
}

impl Kill {
    /// Sends the one call that counts and nothing before it: seconds matter, and nothing else may stand in the way.
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let environment = &self.environment.env;
        let path = console.api.in_environment(environment, &["flags", &self.key, "kill"]);
        let body = object([("reason", self.because.reason.map(Into::into))]);
        let mut answer = console.api.send(Call::post(path).body(&body))?;
        let mut after = answer.value()?;
        let revision = text(&after, "revision");
        let most = Duration::from_secs(self.wait);
        // Whatever comes now, the flag is off: what cannot be counted is no failure.
        let counted = (!most.is_zero()).then(|| wait_for(&console.api, environment, &revision, most));
        let told = match &counted {
            None => String::new(),
            Some(Ok(counted)) => format!(": {}", summary(counted, true)),
            Some(Err(error)) => format!("; who has it cannot be told: {error}"),
        };
        if let (Some(settings), Some(Ok(counted))) = (after.as_object_mut(), counted) {
            settings.insert("instances".to_owned(), counted);
            answer.text = serde_json::to_string(&after)?;
        }
        console.answer(&answer, |after, terminal| {
            let state = state(after);
            let state = terminal.tint(state.tone(), state.text());
            terminal.line(&format!("{} in {environment}: {state} at revision {revision}{told}", self.key))
        })
    }
}
