//! `hoist token …`.

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};

use crate::api::Call;
use crate::args::{Because, Limited};
use crate::failure::Outcome;
use crate::flag::word;
use crate::print::{Console, Tone};
use crate::table::{Cell, Table};
use crate::typed::{key, time};
use crate::value::{list, object, text, text_or_dash, time as short};

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// List the tokens; their secrets cannot be shown again
    #[command(after_help = "Example:\n  hoist token list")]
    List(Limited),
    Create(Create),
    /// End a token at once
    #[command(
        after_help = "Example:\n  hoist token list\n  hoist token revoke 0198f2c4 --reason \"laptop lost\""
    )]
    Revoke {
        /// Id of the token, from `hoist token list`
        #[arg(value_parser = key)]
        id: String,
        #[command(flatten)]
        because: Because,
    },
}

/// Create a token; its secret is shown this once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hoist token create shop-backend --kind sdk --env production
  hoist token create deploy --kind api --role editor --expires-at 2027-06-30")]
pub(crate) struct Create {
    /// Name; the audit will say token:NAME
    name: String,
    /// What it is for: sdk reads flags, web evaluates from a browser, api speaks to the API
    #[arg(long)]
    kind: Kind,
    /// The one environment it is for; sdk and web tokens need one
    #[arg(long, value_parser = key, required_if_eq_any = [("kind", "sdk"), ("kind", "web")])]
    env: Option<String>,
    /// What an api token may do
    #[arg(long)]
    role: Option<Role>,
    /// When it ends: a date or a time (UTC); never when absent
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires_at: Option<String>,
    #[command(flatten)]
    because: Because,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Sdk,
    Web,
    Api,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    Viewer,
    Editor,
    Admin,
}

impl Token {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        match self {
            Token::List(Limited { limit }) => list_tokens(console, limit),
            Token::Create(create) => create.run(console),
            Token::Revoke { id, because } => {
                let call =
                    Call::delete(console.api.in_project(&["tokens", &id])).because(because.reason.as_deref());
                let answer = console.api.send(call)?;
                console.done(&answer, &format!("Revoked token {id}."))
            }
        }
    }
}

impl Create {
    fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        let body = object([
            ("name", Some(self.name.clone().into())),
            ("kind", Some(word(&self.kind).into())),
            ("environment", self.env.map(Into::into)),
            ("role", self.role.map(|role| word(&role).into())),
            ("expires_at", self.expires_at.map(Into::into)),
        ]);
        let call = Call::post(console.api.in_project(&["tokens"])).body(&body);
        let answer = console.api.send(call.because(self.because.reason.as_deref()))?;
        console.answer(&answer, |token, terminal| {
            terminal.line(&text(token, "token"))?;
            let once = format!(
                "Keep it: it is not shown again. Revoke it with: hoist token revoke {}",
                text(token, "id")
            );
            terminal.line(&terminal.tint(Tone::Quiet, &once))
        })
    }
}

fn list_tokens(console: &mut Console<'_>, limit: Option<u32>) -> Result<Outcome> {
    let answer = console.api.list(&console.api.in_project(&["tokens"]), limit)?;
    console.answer(&answer, |tokens, terminal| {
        if list(tokens, "items").is_empty() {
            return terminal.line("No tokens.");
        }
        let headings =
            ["name", "kind", "env", "role", "created (UTC)", "by", "expires (UTC)", "last used (UTC)", "id"];
        let mut table = Table::new(headings);
        for token in list(tokens, "items") {
            let moment = |field: &str, absent: &str| match short(token, field) {
                time if time.is_empty() => Cell::new(absent, Tone::Quiet),
                time => time.into(),
            };
            table.row([
                Cell::new(text(token, "name"), Tone::Strong),
                text(token, "kind").into(),
                text_or_dash(token, "environment").into(),
                text_or_dash(token, "role").into(),
                moment("created_at", "–"),
                text(token, "created_by").into(),
                moment("expires_at", "never"),
                moment("last_used_at", "never"),
                text(token, "id").into(),
            ]);
        }
        terminal.table(table)
    })
}
