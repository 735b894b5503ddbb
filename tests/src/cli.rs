//! Types commands.

use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::process::Command;

use crate::binary::binary;
use crate::within;

/// The `hoist` command, with none of the settings that this process happens to have.
pub fn hoist() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("HOIST_")) {
            command.env_remove(name);
        }
    }
    command.env_remove("CARGO").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// A terminal that speaks to one server.
#[derive(Clone, Debug)]
pub struct Cli {
    url: String,
    variables: Vec<(String, String)>,
}

impl Cli {
    /// A terminal with `HOIST_URL` set.
    pub fn new(url: &str) -> Cli {
        Cli { url: url.to_owned(), variables: Vec::new() }
    }

    /// The same terminal with a variable set.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Cli {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Types a command after `hoist`.
    pub async fn types(&self, arguments: &[&str]) -> Typed {
        let mut command = hoist();
        command.env("HOIST_URL", &self.url).args(arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = within("a command", command.output()).await.expect("the command runs");
        Typed::new(arguments, output)
    }

    /// Types a command that must succeed, and gives what it printed.
    pub async fn prints(&self, arguments: &[&str]) -> String {
        let typed = self.types(arguments).await;
        assert_eq!(typed.code, 0, "{typed:?}");
        typed.stdout
    }

    /// Types a command with `--json`, and gives what it printed.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.prints(&[arguments, &["--json"]].concat()).await;
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }
}

/// What a command did.
#[derive(Clone, Debug)]
pub struct Typed {
    /// What was typed.
    pub command: String,
    /// The exit code; -1 when it was killed.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Typed {
    /// Reads what a command left behind.
    pub fn new(arguments: &[&str], output: Output) -> Typed {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Typed {
            command: arguments.join(" "),
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
