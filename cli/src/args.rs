//! What can be typed: the options every command shares, and the list of commands.
//!
//! The arguments of a command live beside the code that runs it.

use anyhow::Result;
use clap::{Args, ColorChoice, Parser, Subcommand};

use crate::failure::Outcome;
use crate::print::Console;
use crate::typed::{key, url};
use crate::{
    audit, environment, flag, health, history, instances, kill, project, rollout, segment, server, stale,
    token, transfer, why,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the answer is a finding: `stale --fail-on` found such a flag, `audit verify` a break,
     `why` no such flag, `check-config` a problem, `health` a lack; or something failed here
  2  the command was typed wrongly, or its settings are wrong
  3  the server cannot be reached, or could not answer (5xx)
  4  the server refused (4xx); every error is printed with its place

Examples:
  hoist                                             start the server (the same as `hoist serve`)
  hoist flag create dashboard_v2                    create a boolean flag
  hoist rollout dashboard_v2 10 --reason \"first users\"
  hoist why dashboard_v2 --user user-42             why a user sees what they see
  hoist kill dashboard_v2 --env production          turn it off, at once";

/// Hoist releases code dark, ramps it, takes it back in a second, and says who did so and why
#[derive(Debug, Parser)]
#[command(name = "hoist", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command that talks to a server needs to know.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for every command")]
pub(crate) struct Global {
    /// Address of the server
    #[arg(long, global = true, env = "HOIST_URL", default_value = "http://127.0.0.1:8080", value_parser = url)]
    pub(crate) url: reqwest::Url,
    /// API token; a server in development mode on this machine needs none
    #[arg(long, global = true, env = "HOIST_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Project
    #[arg(long, global = true, env = "HOIST_PROJECT", default_value = "default", value_parser = key)]
    pub(crate) project: String,
    /// Print the server's JSON as it is
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colours; the variable `NO_COLOR` turns them off too
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server; what it listens on and where it keeps its data comes from HOIST_* variables
    #[command(
        after_help = "Example:\n  hoist serve\n  HOIST_LISTEN=127.0.0.1:9000 hoist serve\n  hoist serve --migrate\n  hoist serve --upstream https://flags.example.com"
    )]
    Serve {
        /// Serve as an edge of another Hoist, which needs no database; the same as `HOIST_UPSTREAM_URL`
        #[arg(long, value_name = "URL", conflicts_with = "migrate")]
        upstream: Option<String>,
        /// Migrate PostgreSQL first, as `hoist migrate up` would; SQLite always is
        #[arg(long)]
        migrate: bool,
    },
    /// Bring the database's tables to another version
    #[command(after_help = "Example:\n  hoist migrate status\n  hoist migrate up")]
    Migrate {
        #[command(subcommand)]
        command: server::Migrate,
    },
    /// Check the HOIST_* variables as `serve` would, without starting anything
    #[command(after_help = "Example:\n  HOIST_MODE=production hoist check-config")]
    CheckConfig,
    #[command(flatten)]
    Client(Box<Client>),
}

/// The commands that speak HTTP to a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Client {
    /// Projects: each has its own flags, segments, environments, tokens and audit
    #[command(subcommand, after_help = "Example:\n  hoist project list\n  hoist project create shop")]
    Project(project::Project),
    /// Environments: where flags have settings
    #[command(subcommand, after_help = "Example:\n  hoist env list\n  hoist env create preview")]
    Env(environment::Environment),
    /// Flags and their settings
    #[command(
        subcommand,
        after_help = "Example:\n  hoist flag create dashboard_v2\n  hoist flag show dashboard_v2"
    )]
    Flag(flag::Flag),
    /// Segments: named conditions and keys that rules share
    #[command(
        subcommand,
        after_help = "Example:\n  hoist segment list\n  hoist segment put nordics --file nordics.json"
    )]
    Segment(segment::Segment),
    Rollout(rollout::Rollout),
    Kill(kill::Kill),
    Instances(instances::Instances),
    Why(why::Why),
    History(history::History),
    Audit(audit::Audit),
    Stale(stale::Stale),
    /// Tokens for people, machines and SDKs
    #[command(
        subcommand,
        after_help = "Example:\n  hoist token create shop-backend --kind sdk --env production"
    )]
    Token(token::Token),
    Health(health::Health),
    Export(transfer::Export),
    Import(transfer::Import),
}

impl Client {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        match self {
            Client::Project(command) => command.run(console),
            Client::Env(command) => command.run(console),
            Client::Flag(command) => command.run(console),
            Client::Segment(command) => command.run(console),
            Client::Rollout(command) => command.run(console),
            Client::Kill(command) => command.run(console),
            Client::Instances(command) => command.run(console),
            Client::Why(command) => command.run(console),
            Client::History(command) => command.run(console),
            Client::Audit(command) => command.run(console),
            Client::Stale(command) => command.run(console),
            Client::Token(command) => command.run(console),
            Client::Health(command) => command.run(console),
            Client::Export(command) => command.run(console),
            Client::Import(command) => command.run(console),
        }
    }
}

/// The environment a command is about.
#[derive(Debug, Args)]
pub(crate) struct InEnvironment {
    /// Environment
    #[arg(long, env = "HOIST_ENVIRONMENT", default_value = "development", value_parser = key)]
    pub(crate) env: String,
}

/// Why something is done.
#[derive(Debug, Args)]
pub(crate) struct Because {
    /// Why; kept in the audit
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

/// How much of a list is wanted.
#[derive(Debug, Args)]
pub(crate) struct Limited {
    /// At most so many; all of them when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn check(typed: &str, understood: bool) {
        let words = typed.split_whitespace();
        assert_eq!(Cli::try_parse_from(words).is_ok(), understood, "{typed}");
    }

    #[test]
    fn the_definition_of_the_commands_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_has_an_example() {
        fn visit(command: &clap::Command, path: &str, seen: &mut usize) {
            *seen += 1;
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Example"), "{path} has no example");
            assert!(
                help.contains(&format!("  {path}")) || help.contains(" hoist "),
                "{path}: another command's example"
            );
            for child in command.get_subcommands() {
                visit(child, &format!("{path} {}", child.get_name()), seen);
            }
        }
        let mut seen = 0;
        visit(&Cli::command(), "hoist", &mut seen);
        assert!(seen > 40, "only {seen} commands were looked at");
    }

    #[test]
    fn no_command_means_serve() {
        assert!(Cli::try_parse_from(["hoist"]).expect("parses").command.is_none());
    }

    #[test]
    fn keys_that_would_name_another_path_are_refused() {
        check("hoist flag show dashboard_v2", true);
        check("hoist flag show a/b", true);
        check("hoist flag show .", false);
        check("hoist project delete ..", false);
    }

    #[test]
    fn an_address_is_one_of_a_server() {
        check("hoist --url https://flags.example/hoist flag list", true);
        check("hoist --url flags.example flag list", false);
        check("hoist --url file:///etc flag list", false);
    }

    #[test]
    fn the_shared_options_may_follow_the_command() {
        check("hoist flag list --json --project shop --color never", true);
        check("hoist rollout dashboard_v2 50 --env production --reason why", true);
    }
}
