//! `hoist flag …`.

mod create;
mod list;
mod set;
mod show;

pub(crate) use create::word;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::api::Call;
use crate::args::Because;
use crate::failure::Outcome;
use crate::print::Console;
use crate::typed::key;

/// What can be done with flags.
#[derive(Debug, Subcommand)]
pub(crate) enum Flag {
    List(list::List),
    Show(show::Show),
    Create(create::Create),
    Update(create::Update),
    /// Take a flag out of service: SDKs no longer see it
    #[command(after_help = "Example:\n  hoist flag archive dashboard_v2 --reason \"removed from the code\"")]
    Archive(Named),
    /// Bring an archived flag back
    #[command(
        after_help = "Example:\n  hoist flag restore dashboard_v2 --reason \"an old app still asks for it\""
    )]
    Restore(Named),
    /// Delete an archived flag; its key is never given out again
    #[command(after_help = "Example:\n  hoist flag archive dashboard_v2\n  hoist flag delete dashboard_v2")]
    Delete(Named),
    Set(set::Set),
}

/// One flag, and why something is done with it.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Key of the flag
    #[arg(value_parser = key)]
    key: String,
    #[command(flatten)]
    because: Because,
}

impl Flag {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        match self {
            Flag::List(command) => command.run(console),
            Flag::Show(command) => command.run(console),
            Flag::Create(command) => command.run(console),
            Flag::Update(command) => command.run(console),
            Flag::Set(command) => command.run(console),
            Flag::Archive(flag) => {
                let call = Call::post(console.api.in_project(&["flags", &flag.key, "archive"]));
                flag.send(console, call, "Archived")
            }
            Flag::Restore(flag) => {
                let call = Call::post(console.api.in_project(&["flags", &flag.key, "restore"]));
                flag.send(console, call, "Restored")
            }
            Flag::Delete(flag) => {
                let call = Call::delete(console.api.in_project(&["flags", &flag.key]));
                flag.send(console, call, "Deleted")
            }
        }
    }
}

impl Named {
    fn send(&self, console: &mut Console<'_>, call: Call, done: &str) -> Result<Outcome> {
        let answer = console.api.send(call.because(self.because.reason.as_deref()))?;
        console.done(&answer, &format!("{done} flag {}.", self.key))
    }
}
