//! `hoist env …`.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::api::{Api, Call};
use crate::args::{Because, Limited};
use crate::failure::Outcome;
use crate::print::{Console, Tone};
use crate::table::{Cell, Table};
use crate::typed::key;
use crate::value::{is_true, list, object, text, text_or_dash, time};

/// What can be done with environments.
#[derive(Debug, Subcommand)]
pub(crate) enum Environment {
    /// List the environments in their order
    #[command(after_help = "Example:\n  hoist env list --project shop")]
    List(Limited),
    /// Show one environment
    #[command(after_help = "Example:\n  hoist env show production")]
    Show {
        /// Key of the environment
        #[arg(value_parser = key)]
        key: String,
    },
    /// Create an environment
    #[command(after_help = "Example:\n  hoist env create preview --position 1")]
    Create {
        /// Key; it stays for ever
        #[arg(value_parser = key)]
        key: String,
        #[command(flatten)]
        about: About,
        #[command(flatten)]
        because: Because,
    },
    /// Change what is said about an environment
    #[command(after_help = "Example:\n  hoist env update staging --protected true")]
    #[command(group = clap::ArgGroup::new("change").args(["name", "position", "protected"]).required(true).multiple(true))]
    Update {
        /// Key of the environment
        #[arg(value_parser = key)]
        key: String,
        #[command(flatten)]
        about: About,
        #[command(flatten)]
        because: Because,
    },
    /// Delete an environment and the settings in it
    #[command(after_help = "Example:\n  hoist env delete preview --reason \"no longer deployed\"")]
    Delete {
        /// Key of the environment
        #[arg(value_parser = key)]
        key: String,
        #[command(flatten)]
        because: Because,
    },
}

/// What is said about an environment.
#[derive(Debug, Args)]
pub(crate) struct About {
    /// Name for people
    #[arg(long)]
    name: Option<String>,
    /// Place in the order
    #[arg(long)]
    position: Option<u32>,
    /// Whether turning on or widening needs approval
    #[arg(long, value_name = "true|false")]
    protected: Option<bool>,
}

impl About {
    fn with_key(self, key: Option<&str>) -> serde_json::Value {
        object([
            ("key", key.map(Into::into)),
            ("name", self.name.map(Into::into)),
            ("position", self.position.map(Into::into)),
            ("protected", self.protected.map(Into::into)),
        ])
    }
}

impl Environment {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        match self {
            Environment::List(Limited { limit }) => list_environments(console, limit),
            Environment::Show { key } => show(console, &key),
            Environment::Create { key, about, because } => {
                let call =
                    Call::post(console.api.in_project(&["environments"])).body(&about.with_key(Some(&key)));
                let answer = console.api.send(call.because(because.reason.as_deref()))?;
                console.done(&answer, &format!("Created environment {key}."))
            }
            Environment::Update { key, about, because } => {
                let call = Call::patch(console.api.in_environment(&key, &[])).body(&about.with_key(None));
                let answer = console.api.send(call.because(because.reason.as_deref()))?;
                console.done(&answer, &format!("Updated environment {key}."))
            }
            Environment::Delete { key, because } => {
                let call = Call::delete(console.api.in_environment(&key, &[]));
                let answer = console.api.send(call.because(because.reason.as_deref()))?;
                console.done(&answer, &format!("Deleted environment {key}."))
            }
        }
    }
}

/// The environments' keys in their order; none when they cannot be read, for the order is not worth a failure.
pub(crate) fn order(api: &Api) -> Vec<String> {
    let environments = api.list(&api.in_project(&["environments"]), None).and_then(|answer| answer.value());
    environments.map_or_else(
        |_| Vec::new(),
        |environments| {
            list(&environments, "items").iter().map(|environment| text(environment, "key")).collect()
        },
    )
}

/// Sorts by the environments' order; those it does not name come last, as they were.
pub(crate) fn in_order<T>(mut named: Vec<T>, order: &[String], name: impl Fn(&T) -> &str) -> Vec<T> {
    named.sort_by_key(|item| order.iter().position(|known| known == name(item)).unwrap_or(usize::MAX));
    named
}

fn list_environments(console: &mut Console<'_>, limit: Option<u32>) -> Result<Outcome> {
    let answer = console.api.list(&console.api.in_project(&["environments"]), limit)?;
    console.answer(&answer, |environments, terminal| {
        let mut table = Table::new(["key", "name", "protected", "revision", "created (UTC)"]);
        for environment in list(environments, "items") {
            let protected = if is_true(environment, "protected") {
                Cell::new("yes", Tone::Partly)
            } else {
                Cell::new("no", Tone::Quiet)
            };
            table.row([
                text(environment, "key").into(),
                text_or_dash(environment, "name").into(),
                protected,
                text(environment, "revision").into(),
                time(environment, "created_at").into(),
            ]);
        }
        terminal.table(table)
    })
}

fn show(console: &mut Console<'_>, key: &str) -> Result<Outcome> {
    let answer = console.api.send(Call::get(console.api.in_environment(key, &[])))?;
    console.answer(&answer, |environment, terminal| {
        terminal.facts(&[
            ("key", text(environment, "key")),
            ("name", text(environment, "name")),
            ("position", text(environment, "position")),
            ("protected", if is_true(environment, "protected") { "yes" } else { "no" }.to_owned()),
            ("revision", text(environment, "revision")),
            ("created", time(environment, "created_at")),
        ])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_stand_in_their_order_and_unknown_ones_last() {
        let order: Vec<String> = ["development", "staging", "production"].map(str::to_owned).into();
        let named = vec!["preview", "production", "development"];
        assert_eq!(in_order(named, &order, |name| name), ["development", "production", "preview"]);
        assert_eq!(in_order(vec!["b", "a"], &[], |name| name), ["b", "a"]);
    }
}
