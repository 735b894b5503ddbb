//! `hoist health`: whether a server should get requests, for containers and scripts that have nothing else to ask with.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::failure::Outcome;
use crate::print::Console;
use crate::value::{list, printable};

/// How often a server that is not ready yet is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// Say whether the server is ready for requests, and what it lacks; no token is needed
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hoist health\n  hoist health --live\n  hoist health --wait 30")]
pub(crate) struct Health {
    /// Whether the process answers at all, whatever it lacks
    #[arg(long)]
    live: bool,
    /// Wait so many seconds at most until it is well
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3_600))]
    wait: u64,
}

impl Health {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let until = Instant::now() + Duration::from_secs(self.wait);
        let path = if self.live { "/livez" } else { "/readyz" };
        loop {
            let probed = console.api.probe(path);
            let well = matches!(probed, Ok((200, _)));
            if !well && Instant::now() < until {
                console.api.pause(AGAIN);
                continue;
            }
            return self.tell(probed?, console);
        }
    }

    fn tell(&self, (status, body): (u16, String), console: &mut Console<'_>) -> Result<Outcome> {
        if console.json {
            console.terminal.line(&body)?;
        } else {
            let said: Value = serde_json::from_str(&body).unwrap_or_default();
            let lacks: Vec<String> =
                list(&said, "lacks").iter().filter_map(|it| Some(printable(it.as_str()?))).collect();
            let word = match (status, self.live) {
                (200, true) => "alive",
                (200, false) => "ready",
                _ => "not ready",
            };
            let lacks =
                if lacks.is_empty() { String::new() } else { format!("; lacks {}", lacks.join(", ")) };
            console.terminal.line(&format!("{word}{lacks}"))?;
        }
        Ok(if status == 200 { Outcome::Done } else { Outcome::Finding })
    }
}
