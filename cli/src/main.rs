//! The `hoist` command: runs the server, and says everything else to it over HTTP.
//!
//! Only `serve`, `migrate`, `check-config` and moving everything touch `hoist-server`; every other command is a client of
//! `/api/v1` like any other and knows nothing that the API does not say.

mod api;
mod args;
mod audit;
mod call;
mod environment;
mod failure;
mod flag;
mod health;
mod history;
mod instances;
mod kill;
mod moving;
mod pages;
mod print;
mod project;
mod rollout;
mod segment;
mod server;
mod settings;
mod stale;
mod state;
mod table;
mod token;
mod trace;
mod transfer;
mod typed;
mod value;
mod why;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::api::Api;
use crate::args::{Cli, Client, Command};
use crate::failure::Outcome;
use crate::print::{Console, Terminal};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut terminal = Terminal::stdout(cli.global.color);
    let outcome = run(cli, &mut terminal);
    let flushed = terminal.flush().map_err(anyhow::Error::from);
    failure::exit_code(outcome.and_then(|outcome| flushed.map(|()| outcome)))
}

fn run(cli: Cli, terminal: &mut Terminal) -> Result<Outcome> {
    match cli.command.unwrap_or(Command::Serve { upstream: None, migrate: false }) {
        Command::Serve { upstream, migrate } => server::serve(terminal, upstream, migrate),
        Command::Migrate { command } => server::migrate(&command, terminal),
        Command::CheckConfig => server::check_config(terminal),
        Command::Client(command) => match *command {
            Client::Export(export) if export.everything => moving::export(export.output.as_deref(), terminal),
            Client::Import(import) if import.everything => moving::import(&import.file, terminal),
            command => {
                let api = Api::new(&cli.global)?;
                command.run(&mut Console { api, terminal, json: cli.global.json })
            }
        },
    }
}
